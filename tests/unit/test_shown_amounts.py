"""Amounts on pages have all the decimals with which they are charged."""

import pytest

from kelviq_server.pages.amounts import shown_amount

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("units", "currency", "shown"),
    [
        (123_456_789, "USD", "$1,234,567.89"),
        (-5, "EUR", "-€0.05"),
        (500, "JPY", "¥500"),
        (1_005, "KWD", f"KWD{SPACE}1.005"),
        # The CLDR has no coins of it, ISO 4217 has.
        (1_250, "AFN", f"AFN{SPACE}12.50"),
        (10**15, "INR", "₹10,000,000,000,000.00"),
    ],
)
def test_an_amount_is_shown_to_the_last_coin(units: int, currency: str, shown: str) -> None:
    assert shown_amount(units, currency) == shown
