"""Amounts and instants as people read them."""

from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date
from babel.numbers import get_currency_symbol

from kelviq_server.core.money import to_amount
from kelviq_server.platform.values import currency_exponents


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of what something comes to."""

    what: str
    amount: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ShownTotal:
    """A line below the lines."""

    what: str
    amount: str
    is_last: bool = False


def shown_amount(units: int, currency: str) -> str:
    """Return an amount as people write it in English, with its currency's symbol and all of its decimals.

    By ISO 4217, as it is charged: the CLDR has currencies whose coins nobody uses any more, and would leave them out.
    """
    exponent = currency_exponents()[currency]
    symbol = get_currency_symbol(currency, locale="en_US")
    space = "\N{NO-BREAK SPACE}" if symbol[-1].isalpha() else ""
    return f"{'-' if units < 0 else ''}{symbol}{space}{to_amount(abs(units), exponent):,.{exponent}f}"


def shown_day(at: datetime) -> str:
    """Return a day in UTC as people write it in English."""
    return format_date(at.date(), format="long", locale="en_US")
