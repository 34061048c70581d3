"""All SQL about exchange rates. They are the instance's: money is worth the same to every tenant."""

from typing import Final, LiteralString

from kelviq_server.catalog.rates.records import RatesOfDay
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump

# What a US dollar comes to in the currencies %(currencies)s and in that of the product `o`, by the newest rate that
# there is of each, as a JSON object: not every feed knows every currency.
RATES: Final[LiteralString] = (
    "(SELECT coalesce(json_object_agg(currency, rate), '{}') FROM ("
    "  SELECT DISTINCT ON (currency) currency, rate FROM exchange_rates"
    "  WHERE currency = ANY(%(currencies)s::text[] || o.currency) ORDER BY currency, dated_on DESC) AS newest)"
)


async def insert_rates(tx: Tx, new: RatesOfDay) -> None:
    """Write the rates of a day, in place of those that it had."""
    await tx.execute("DELETE FROM exchange_rates WHERE dated_on = %s", (new.dated_on,))
    await tx.execute(
        "INSERT INTO exchange_rates (dated_on, currency, rate)"
        " SELECT %s, key, value::numeric FROM json_each_text(%s::json)",
        (new.dated_on, dump(new.rates)),
    )
