"""Log what was announced, and queue it for everybody who wants it."""

from collections.abc import Collection

from kelviq_server.platform import outbox
from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.webhooks.deliveries import store
from kelviq_server.webhooks.log import store as log
from kelviq_server.webhooks.log.records import EventType

# Times the endpoints of a tenant, it is what waits for one commit.
BATCH = 100


async def fan_out(handled: Collection[str]) -> int:
    """Relay the events that come next, of all tenants, and return how many; 0 when another worker is at it.

    `handled` are the types that have handlers. All in one transaction: an event is logged and queued once, or it is
    still in the outbox. What is no merchant's business goes to its handlers alone.
    """
    async with transaction(INSTANCE) as tx:
        if not await log.has_turn(tx):
            return 0
        await log.lock_log(tx)
        events = await outbox.relay(tx.connection, handled, BATCH)
        told = [event for event in events if event.tenant_id is not None and event.type in _TOLD]
        if told:
            positions = await log.insert_events(tx, told)
            await store.insert_wanted(tx, told, positions)
    return len(events)


_TOLD = frozenset(EventType)
