"""Taxes and discounts come to what other billing systems say, and parts always add up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.discount import Discount, FixedAmount, Percentage, taken_off
from kelviq_server.core.money import round_half_away
from kelviq_server.core.tax import Taxed, exclusive, inclusive, tax_within

amounts = st.integers(0, 10**13)
rates = st.decimals(0, 100, places=4)
lines = st.lists(st.integers(-(10**9), 10**12), max_size=20)


# The vectors of ../shared/vectors/billing.json, with their sources there.
@pytest.mark.parametrize(
    ("net_units", "rate", "tax_units"),
    [
        pytest.param(10000, "8.875", 888, id="FX-tax-100.00-8.875"),
        pytest.param(9999, "20", 2000, id="FX-tax-99.99-20"),
        pytest.param(100, "0.1", 0, id="FX-tax-1.00-0.1"),
    ],
)
def test_tax_on_top_is_rounded_half_away(net_units: int, rate: str, tax_units: int) -> None:
    assert exclusive(net_units, Decimal(rate)) == Taxed(net_units, tax_units)
    assert exclusive(-net_units, Decimal(rate)) == Taxed(-net_units, -tax_units)


def test_of_a_price_that_holds_its_tax_the_net_is_rounded() -> None:
    """The vector ZU-incl, as the contract decides it."""
    assert inclusive(299, Decimal(4)) == Taxed(288, 11)


@pytest.mark.parametrize(
    ("amount_units", "net_units", "tax_units", "total_units"),
    [pytest.param(20000, 19333, 4833, 24166, id="LG-cn-0"), pytest.param(16000, 15467, 3867, 19334, id="LG-cn-1")],
)
def test_a_credit_note_is_rounded_line_by_line(
    amount_units: int, net_units: int, tax_units: int, total_units: int
) -> None:
    credit = exclusive(round_half_away(amount_units * Fraction(29, 30), 0), Decimal(25))
    assert (credit.net_units, credit.tax_units, credit.gross_units) == (net_units, tax_units, total_units)


@given(amounts, rates, st.lists(st.integers(1, 10**12), max_size=8))
def test_refunds_of_all_of_a_line_give_back_all_of_its_tax(net: int, rate: Decimal, parts: list[int]) -> None:
    line, refunded, given_back = exclusive(net, rate), 0, 0
    for part in [*parts, line.gross_units]:
        refunded = min(refunded + part, line.gross_units)
        tax = tax_within(line, refunded)
        assert tax >= given_back
        given_back = tax
    assert given_back == line.tax_units


def test_no_more_than_a_line_is_refunded() -> None:
    assert tax_within(Taxed(0, 0), 0) == 0
    for gross_units in (-1, 1251):
        with pytest.raises(ValueError, match="no more"):
            tax_within(Taxed(1000, 250), gross_units)


@given(amounts, rates)
def test_a_price_that_holds_its_tax_stays_what_it_is(gross: int, rate: Decimal) -> None:
    line = inclusive(gross, rate)
    assert line.gross_units == gross
    assert line.net_units <= gross
    assert inclusive(-gross, rate) == Taxed(-line.net_units, -line.tax_units)


@pytest.mark.parametrize(
    ("discount_units", "line_units", "off"),
    [
        pytest.param(1500, [1000, 1000], [750, 750], id="PO-disc-1500"),
        pytest.param(2500, [1000, 1000], [1000, 1000], id="PO-disc-2500"),
        (100, [-500, 1000], [0, 100]),
        (100, [], []),
        (100, [0, 0], [0, 0]),
    ],
)
def test_a_fixed_amount_is_divided_over_the_lines(discount_units: int, line_units: list[int], off: list[int]) -> None:
    assert taken_off(Discount(FixedAmount(discount_units), None), line_units) == off


def test_a_percentage_is_rounded_once_for_all_lines() -> None:
    ten = Discount(Percentage(Decimal("10")), None)
    assert taken_off(ten, [333, 333, 334]) == [33, 33, 34]
    assert taken_off(Discount(Percentage(Decimal("33.3333")), 1), [1, 1, 1]) == [1, 0, 0]
    assert taken_off(Discount(Percentage(Decimal(100)), 1), [5, -3, 7]) == [5, 0, 7]


def test_a_discount_holds_for_its_cycles() -> None:
    for cycles, held in ((1, [True, False, False]), (2, [True, True, False]), (None, [True, True, True])):
        discount = Discount(FixedAmount(1), cycles)
        assert [discount.holds(cycle) for cycle in range(3)] == held


@given(lines, st.one_of(rates.map(Percentage), amounts.map(FixedAmount)))
def test_no_line_gets_more_off_than_it_has(line_units: list[int], off: Percentage | FixedAmount) -> None:
    taken = taken_off(Discount(off, None), line_units)
    assert len(taken) == len(line_units)
    for units, less in zip(line_units, taken, strict=True):
        assert 0 <= less <= max(units, 0)
    whole = sum(max(units, 0) for units in line_units)
    if isinstance(off, FixedAmount):
        assert sum(taken) == min(off.amount_units, whole)
