"""Minor units are whole, and halves go away from zero."""

from decimal import Decimal, Inexact

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.money import has_decimals_beyond, multiply, round_half_away, to_amount

EXPONENTS = st.sampled_from([0, 2, 3])


@pytest.mark.parametrize(
    ("amount", "exponent", "units"),
    [
        ("49.00", 2, 4900),
        ("0.005", 2, 1),
        ("-0.005", 2, -1),
        ("0.0049999999999999999999", 2, 0),
        ("2.5", 0, 3),
        ("-2.5", 0, -3),
        ("1.0005", 3, 1001),
        ("92233720368547758.07", 2, 2**63 - 1),
    ],
)
def test_an_amount_is_rounded_to_minor_units_half_away_from_zero(amount: str, exponent: int, units: int) -> None:
    assert round_half_away(Decimal(amount), exponent) == units


@given(st.integers(-(2**63), 2**63 - 1), EXPONENTS)
def test_units_survive_the_way_to_an_amount_and_back(units: int, exponent: int) -> None:
    assert round_half_away(to_amount(units, exponent), exponent) == units


@given(st.decimals(-(10**15), 10**15, allow_nan=False, places=12), EXPONENTS)
def test_rounding_moves_an_amount_by_half_a_unit_at_most(amount: Decimal, exponent: int) -> None:
    moved = abs(to_amount(round_half_away(amount, exponent), exponent) - amount)
    assert moved <= Decimal("0.5").scaleb(-exponent)
    assert round_half_away(-amount, exponent) == -round_half_away(amount, exponent)


def test_an_amount_shows_all_decimals_of_its_currency() -> None:
    assert [str(to_amount(4900, exponent)) for exponent in (2, 0, 3)] == ["49.00", "4900", "4.900"]


def test_a_product_that_would_lose_digits_is_refused() -> None:
    with pytest.raises(Inexact):
        multiply(Decimal("1." + "1" * 90), 2**63 - 1)


def test_a_coin_that_does_not_exist_is_noticed() -> None:
    assert has_decimals_beyond(Decimal("29.995"), 2)
    assert has_decimals_beyond(Decimal("0.5"), 0)
    assert not has_decimals_beyond(Decimal("29.990"), 2)
