"""How feeds of exchange rates are read, and what one currency comes to in another: pure."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from kelviq_server.catalog.rates.errors import NoRates
from kelviq_server.catalog.rates.records import RatesOfDay
from kelviq_server.core.money import converted
from kelviq_server.platform.values import currency_exponents


def rates_of(feed: Any, today: date) -> RatesOfDay:
    """Return the rates of a feed, as JSON, in one of the two forms that there are.

    `{"date", "base": "EUR", "rates": {"USD": 1.13, ...}}`, as Frankfurter has it, or, as the packaged one does,
    `{"date", "eur": {"usd": 1.13, ...}}`. What is no currency of ISO 4217 is left out. Raises NoRates.
    """
    if not isinstance(feed, dict):
        raise NoRates
    entries = cast("dict[str, Any]", feed)
    named = next((name for name, value in entries.items() if isinstance(value, dict)), None)
    base = str(entries.get("base", named)).upper()
    try:
        dated_on = date.fromisoformat(str(entries.get("date")))
    except ValueError:
        raise NoRates("The feed has no `date`.") from None
    # It may be tomorrow already where it is from.
    if dated_on > today + timedelta(days=1):
        raise NoRates("The feed is of a day that is yet to come.")
    known = {base: Decimal(1)}
    for name, value in cast("dict[str, Any]", entries.get(named or "") or {}).items():
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and value > 0:
            known[name.upper()] = Decimal(value)
    if base not in currency_exponents() or "USD" not in known:
        raise NoRates("The feed has no rate of the US dollar.")
    found = {
        code: converted(Decimal(1), known["USD"], known[code]) for code in sorted(known) if code in currency_exponents()
    }
    return RatesOfDay(dated_on, found)
