"""Take what is due."""

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.records import Slots, Taken


async def take_deliveries(slots: Slots) -> Taken:
    """Return the first deliveries of lanes that are due, of any tenants; nobody else sends them during the lease."""
    async with transaction(INSTANCE) as tx:
        lanes = await store.update_taken(tx, slots, rules.LEASE)
        deliveries = await store.list_first(tx, lanes) if lanes else []
        if len(deliveries) < len(lanes):
            # Nothing was left in some of them: they were put in line again, or swept up, in the meantime.
            await store.delete_empty(tx, lanes)
        return Taken(deliveries, tx.machine_now)
