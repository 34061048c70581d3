"""Tell an event once more."""

from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.webhooks.deliveries import store
from kelviq_server.webhooks.deliveries.errors import NobodyListens
from kelviq_server.webhooks.endpoints import rules as endpoint_rules
from kelviq_server.webhooks.endpoints import store as endpoints
from kelviq_server.webhooks.endpoints.errors import UnknownEndpoint
from kelviq_server.webhooks.endpoints.records import Endpoint
from kelviq_server.webhooks.log import store as log


async def resend_event(tenant: Tenant, event_id: UUID, endpoint_id: UUID | None) -> int:
    """Queue the event for one endpoint, or for all who want it, and return for how many.

    Where it still waits for an attempt, that comes at once. Raises NotFound, UnknownEndpoint, EndpointDisabled or
    NobodyListens.
    """
    async with transaction(tenant) as tx:
        await log.get_body(tx, event_id)
        if endpoint_id is not None:
            endpoint_rules.refuse_disabled(await _get_named(tx, endpoint_id))
        count = await store.insert_again(tx, event_id, endpoint_id)
        if not count:
            raise NobodyListens
        return count


async def _get_named(tx: Tx, endpoint_id: UUID) -> Endpoint:
    try:
        return await endpoints.get_endpoint(tx, endpoint_id)
    except NotFound:
        raise UnknownEndpoint from None
