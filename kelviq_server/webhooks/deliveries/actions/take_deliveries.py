"""Take what is due."""

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.records import Slots, Taken


async def take_deliveries(slots: Slots) -> Taken:
    """Return the first deliveries of lanes that are due, of any tenants; nobody else sends them during the lease."""
    async with transaction(INSTANCE) as tx:
        leases = await store.update_taken(tx, slots, rules.LEASE_TIME)
        deliveries = await store.list_first(tx, leases) if leases else []
        if len(deliveries) < len(leases):
            # Nothing was left in some of them: they were put in line again, or swept up, in the meantime.
            await store.delete_empty(tx, leases)
        return Taken(len(leases), deliveries, tx.machine_now)
