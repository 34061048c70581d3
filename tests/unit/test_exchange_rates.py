"""Exchange rates are read as feeds have them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kelviq_server.catalog.rates.errors import NoRates
from kelviq_server.catalog.rates.rules import rates_of
from kelviq_server.core.money import converted


@pytest.mark.parametrize(
    "feed",
    [
        {"date": "2026-11-26", "base": "EUR", "rates": {"USD": Decimal("1.25"), "INR": 100, "BTC": 1}},
        {"date": "2026-11-26", "amount": 1, "base": "USD", "rates": {"EUR": Decimal("0.8"), "INR": 80}},
        {"date": "2026-11-26", "eur": {"usd": Decimal("1.25"), "inr": 100, "1inch": 9, "eur": 1}},
    ],
)
def test_both_forms_say_what_a_dollar_comes_to(feed: Any) -> None:
    found = rates_of(feed, date(2026, 11, 25))
    assert found.dated_on == date(2026, 11, 26)
    assert found.rates == {"EUR": Decimal("0.8"), "INR": 80, "USD": 1}


@pytest.mark.parametrize(
    "feed",
    [
        [], {}, "rates", {"date": "2026-11-26"}, {"date": "yesterday", "usd": {"eur": 1}},
        {"date": "2026-11-26", "base": "EUR", "rates": {"INR": 100}}, {"date": "2026-11-26", "usd": "none"},
        {"date": "2026-11-26", "base": "EUR", "rates": {"USD": 0}}, {"date": "2026-11-27", "usd": {"eur": 1}},
    ],
)  # fmt: skip
def test_what_is_no_feed_is_refused(feed: Any) -> None:
    with pytest.raises(NoRates):
        rates_of(feed, date(2026, 11, 25))


def test_what_is_shown_has_eight_digits() -> None:
    assert converted(Decimal(1), Decimal(3), Decimal(1)) == Decimal("0.33333333")
