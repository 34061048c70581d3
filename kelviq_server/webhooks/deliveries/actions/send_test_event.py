"""Send a test event to an endpoint."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, reading, transaction
from kelviq_server.platform.outbox import announced_as
from kelviq_server.webhooks.attempts import store as attempts
from kelviq_server.webhooks.attempts.records import AttemptDetails
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.errors import TestUnderWay
from kelviq_server.webhooks.deliveries.events import WebhookTested
from kelviq_server.webhooks.endpoints import store as endpoints
from kelviq_server.webhooks.log import store as log


async def send_test_event(tenant: Tenant, endpoint_id: UUID) -> AttemptDetails:
    """Return what came of a test event, tried once, even where the endpoint is disabled.

    Raises NotFound or TestUnderWay. It stands in the log and in line before it is sent: if we die meanwhile, a worker
    sends it.
    """
    async with transaction(tenant) as tx:
        # Before the endpoint: whoever fans out has the log, and may wait for somebody who waits for an endpoint.
        await log.lock_log(tx)
        endpoint = await endpoints.lock_endpoint(tx, endpoint_id)
        if await store.has_test_under_way(tx, endpoint_id):
            raise TestUnderWay
        event = announced_as(WebhookTested(endpoint_id, endpoint.url, tenant.organization), tx.tenant_id, tx.now)
        [position] = await log.insert_events(tx, [event])
        lease = await store.insert_test(tx, endpoint_id, event.id, position, rules.LEASE_TIME)
        [delivery] = await store.list_first(tx, [lease])
        now = tx.machine_now
    attempt = await attempt_delivery(delivery, now)
    await settle_attempts([attempt])
    async with reading(tenant) as tx:
        return await attempts.get_attempt(tx, attempt.id, now.date())
