"""Tell an endpoint the events of a range of time once more."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.records import Replay
from kelviq_server.webhooks.endpoints import rules as endpoint_rules
from kelviq_server.webhooks.endpoints import store as endpoints

# In one transaction, so that no lane is locked for long.
QUEUED_AT_ONCE = 5000


async def replay_events(tenant: Tenant, endpoint_id: UUID, replay: Replay) -> int:
    """Queue those of the events that the endpoint wants, in their order, and return how many.

    Raises NotFound, EndpointDisabled or TooManyEvents. Asked for again, whatever still waits stays where it is: so
    nothing comes thrice if we die halfway.
    """
    async with transaction(tenant) as tx:
        endpoint_rules.refuse_disabled(await endpoints.get_endpoint(tx, endpoint_id))
        rules.refuse_replay(await store.find_replay_size(tx, endpoint_id, replay, rules.MAX_REPLAYED + 1))
    count, last = 0, 0
    while last is not None:
        async with transaction(tenant) as tx:
            part = await store.insert_replayed(tx, endpoint_id, replay, last, QUEUED_AT_ONCE)
        count, last = count + part.count, part.last
    return count
