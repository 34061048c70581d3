"""Amounts and instants as people read them."""

from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_date
from babel.numbers import format_currency

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
    """Return an amount as people write it in English, with its currency's symbol."""
    return format_currency(to_amount(units, currency_exponents()[currency]), currency, locale="en_US")


def shown_day(at: datetime) -> str:
    """Return a day in UTC as people write it in English."""
    return format_date(at.date(), format="long", locale="en_US")
