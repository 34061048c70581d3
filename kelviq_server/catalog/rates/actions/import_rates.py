"""Take in exchange rates."""

from typing import Any

from kelviq_server.catalog.rates import rules, store
from kelviq_server.catalog.rates.records import RatesOfDay
from kelviq_server.platform.database import INSTANCE, transaction


async def import_rates(feed: Any) -> RatesOfDay:
    """Take in the rates of a day, as a feed has them; prices are shown by the newest. Raises NoRates."""
    async with transaction(INSTANCE) as tx:
        rates = rules.rates_of(feed, tx.now.date())
        await store.insert_rates(tx, rates)
    return rates
