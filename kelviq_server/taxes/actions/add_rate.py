"""Add a tax rate of the tenant's own."""

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.taxes import rules, store
from kelviq_server.taxes.records import NewTaxRate, TaxRate


async def add_rate(tenant: Tenant, new: NewTaxRate) -> TaxRate:
    """Return the new rate. One of the same kind that holds then ends when it begins.

    Raises RateInThePast or TooManyRates.
    """
    async with transaction(tenant) as tx:
        rules.refuse_one_more(await store.lock_count(tx))
        today = tx.now.date()
        valid_from = new.valid_from or today
        place = rules.place(valid_from, today, await store.list_rates_of_kind(tx, new))
        if place.ends is not None:
            await store.update_end(tx, place.ends.id, valid_from)
        return await store.get_rate(tx, await store.insert_rate(tx, new, valid_from, place.valid_until))
