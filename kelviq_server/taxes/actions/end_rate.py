"""Give up a tax rate of the tenant's own."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.taxes import rules, store


async def end_rate(tenant: Tenant, id: UUID) -> None:
    """End a rate today, or delete it where it has not begun; nothing that was taxed changes.

    Raises NotFound or RateIsPackaged.
    """
    async with transaction(tenant) as tx:
        await store.lock_count(tx)
        rate = await store.get_rate(tx, id)
        removal = rules.removal(rate, tx.now.date(), await store.list_rates_of_kind(tx, rate))
        if removal.deletes:
            await store.delete_rate(tx, id)
        if removal.ends is not None:
            await store.update_end(tx, removal.ends.id, removal.valid_until)
