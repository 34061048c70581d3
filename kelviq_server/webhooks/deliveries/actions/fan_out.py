"""Log what was announced, and queue it for everybody who wants it."""

from collections.abc import Collection

from kelviq_server.platform import outbox
from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.webhooks.deliveries import store
from kelviq_server.webhooks.log import store as log

BATCH = 500


async def fan_out(handled: Collection[str]) -> int:
    """Relay the events that come next, of all tenants, and return how many; 0 when another worker is at it.

    `handled` are the types that have handlers. All in one transaction: an event is logged and queued once, or it is
    still in the outbox.
    """
    async with transaction(INSTANCE) as tx:
        if not await log.has_lock_on_log(tx):
            return 0
        events = await outbox.relay(tx.connection, handled, BATCH)
        told = [event for event in events if event.tenant_id is not None]
        if told:
            positions = await log.insert_events(tx, told)
            await store.insert_wanted(tx, [event.tenant_id for event in told if event.tenant_id], positions)
    return len(events)
