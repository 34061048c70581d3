"""Refunds and fees come to what was sold: parts add up, to the last cent."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.billing.transactions.records import FeeName, FeeTerms
from kelviq_server.billing.transactions.rules import fees
from kelviq_server.core.money import round_half_away
from kelviq_server.core.refund import taken_back
from kelviq_server.core.tax import Taxed, exclusive, inclusive, tax_within

units = st.integers(0, 10**12)
rates = st.decimals(0, 100, places=4)
percentages = st.decimals(0, 20, places=3)
charges = st.builds(exclusive, units, rates) | st.builds(inclusive, units, rates)
credits = st.builds(lambda net, rate: exclusive(-net, rate), st.integers(1, 10**9), rates)
parts_of_lines = st.lists(st.integers(0, 10**12), max_size=6)


def given_back(lines: Sequence[Taxed], amounts: Sequence[int]) -> list[list[Taxed]]:
    """Return what each of several refunds takes of the lines, each of so much or of all that is left."""
    left, taken, refunds = sum(line.gross_units for line in lines), [Taxed(0, 0)] * len(lines), list[list[Taxed]]()
    for amount in amounts:
        parts = taken_back(lines, taken, min(amount, left))
        taken = [
            Taxed(before.net_units + part.net_units, before.tax_units + part.tax_units)
            for before, part in zip(taken[: len(parts)], parts, strict=True)
        ]
        left -= min(amount, left)
        refunds.append(parts)
    return refunds


def summed(parts: Sequence[Taxed]) -> Taxed:
    return Taxed(sum(part.net_units for part in parts), sum(part.tax_units for part in parts))


def test_a_part_of_a_line_gives_back_its_part_of_the_tax() -> None:
    """The vector PO-ref: of 10.00 net with 2.50 tax, a refund of 3.00 net has 0.75 tax, and is 3.75 in all."""
    assert taken_back([Taxed(1000, 250)], [Taxed(0, 0)], 375) == [Taxed(300, 75)]
    assert tax_within(Taxed(1000, 250), 375) == 75


def test_what_is_divided_is_divided_as_what_is_left_of_each_line() -> None:
    lines = [Taxed(1000, 250), Taxed(1000, 0)]
    assert taken_back(lines, [Taxed(0, 0)] * 2, 900) == [Taxed(400, 100), Taxed(400, 0)]
    assert taken_back(lines, [Taxed(1000, 250), Taxed(0, 0)], 900) == [Taxed(0, 0), Taxed(900, 0)]
    assert taken_back(lines, [Taxed(0, 0)] * 2, 0) == [Taxed(0, 0)] * 2


@pytest.mark.parametrize("amount_units", [-1, 1251])
def test_more_than_is_left_is_not_given_back(amount_units: int) -> None:
    with pytest.raises(ValueError, match="no more"):
        taken_back([Taxed(1000, 250)], [Taxed(0, 0)], amount_units)
    with pytest.raises(ValueError, match="no more"):
        taken_back([Taxed(1000, 250)], [Taxed(200, 50)], amount_units if amount_units < 0 else 1001)


@given(st.lists(charges, min_size=1, max_size=6), parts_of_lines)
def test_refunds_add_up_and_those_down_to_the_last_cent_give_back_everything(
    lines: list[Taxed], amounts: list[int]
) -> None:
    whole = sum(line.gross_units for line in lines)
    left = whole
    refunds = given_back(lines, [*amounts, whole])
    for amount, parts in zip([*amounts, whole], refunds, strict=True):
        assert sum(part.gross_units for part in parts) == min(amount, left)
        assert all(part.net_units >= 0 and part.tax_units >= 0 for part in parts)
        left -= min(amount, left)
    assert [summed(of_line) for of_line in zip(*refunds, strict=True)] == lines


@given(st.lists(charges, min_size=1, max_size=6), parts_of_lines)
def test_no_line_ever_gives_back_more_than_it_came_to(lines: list[Taxed], amounts: list[int]) -> None:
    refunds = given_back(lines, amounts)
    for line, of_line in zip(lines, zip(*refunds, strict=True), strict=False):
        taken = summed(of_line)
        assert taken.gross_units <= line.gross_units
        assert taken.tax_units <= line.tax_units
        assert taken.net_units <= line.net_units


@given(st.lists(charges, min_size=1, max_size=4), st.lists(credits, min_size=1, max_size=3), parts_of_lines)
def test_where_credits_stand_among_the_lines_what_they_leave_over_is_given_back(
    lines: list[Taxed], less: list[Taxed], amounts: list[int]
) -> None:
    whole = summed([*lines, *less])
    if whole.gross_units <= 0:
        # Nothing was paid, though a tax may be left over that a credit of as much net makes up for.
        with pytest.raises(ValueError, match="no more"):
            taken_back([*lines, *less], [Taxed(0, 0)] * len([*lines, *less]), 1)
        return
    left = whole.gross_units
    refunds = given_back([*lines, *less], [*amounts, left])
    for amount, parts in zip([*amounts, left], refunds, strict=True):
        assert [part.gross_units for part in parts] == [min(amount, left)]
        left -= min(amount, left)
    assert summed([part for [part] in refunds]) == whole


@given(charges, st.lists(st.integers(0, 10**12), max_size=6))
def test_the_tax_within_a_part_grows_with_the_part_up_to_all_of_it(line: Taxed, parts: list[int]) -> None:
    before = 0
    for part in sorted(min(part, line.gross_units) for part in [*parts, line.gross_units]):
        tax = tax_within(line, part)
        assert before <= tax <= part
        before = tax
    assert before == line.tax_units


# What the public documentation charges a merchant: 2.9 % (3.5 % after 5,000 USD) + 0.40, 0.7 % for subscriptions,
# 1.5 % for cards of other countries.
TERMS = FeeTerms(
    currency="USD",
    fixed_units=40,
    base_percent=Decimal("2.9"),
    threshold_units=500_000,
    base_percent_above=Decimal("3.5"),
    subscription_percent=Decimal("0.7"),
    international_percent=Decimal("1.5"),
    country="US",
)


@pytest.mark.parametrize(
    ("amount_units", "sold_units", "is_renewing", "card_country", "fee_units"),
    [
        (5760, 500_000, False, "US", 242),
        (10000, 0, False, "US", 330),
        (10000, 499_999, False, "US", 330),
        (10000, 500_000, False, "US", 390),
        (10000, 0, False, "DE", 480),
        (10000, 500_000, False, "DE", 540),
        (10000, 0, True, "US", 400),
        (10000, 500_000, True, "US", 460),
        (10000, 0, True, "DE", 550),
        (10000, 500_000, True, "DE", 610),
        # Of a card whose country nobody knows, nothing more is kept.
        (10000, 0, False, None, 330),
    ],
)
def test_fees_are_those_of_the_public_documentation(
    amount_units: int, sold_units: int, is_renewing: bool, card_country: str | None, fee_units: int
) -> None:
    found = fees(TERMS, amount_units, "USD", sold_units, is_renewing=is_renewing, card_country=card_country)
    assert sum(fee.value_units for fee in found) == fee_units


def test_sales_in_other_currencies_bear_percentages_alone_and_never_the_rate_above() -> None:
    found = fees(TERMS, 10000, "EUR", 900_000, is_renewing=True, card_country="US")
    assert [(fee.name, fee.value_units) for fee in found] == [(FeeName.BASE, 290), (FeeName.SUBSCRIPTION, 70)]


def test_nothing_is_kept_unless_the_operator_says_so() -> None:
    assert fees(FeeTerms(), 10000, "USD", 10**9, is_renewing=True, card_country="DE") == []


@given(
    st.integers(0, 10**15), units, percentages, percentages, percentages, st.integers(0, 1000), st.booleans(),
    st.sampled_from(["US", "DE", None]),
)  # fmt: skip
def test_the_parts_of_a_fee_add_up_to_the_whole_rounded_once(
    amount_units: int, sold_units: int, base: Decimal, renewing: Decimal, abroad: Decimal, fixed: int,
    is_renewing: bool, card_country: str | None,
) -> None:  # fmt: skip
    terms = FeeTerms(
        fixed_units=fixed, base_percent=base, base_percent_above=base, subscription_percent=renewing,
        international_percent=abroad,
    )  # fmt: skip
    found = fees(terms, amount_units, "USD", sold_units, is_renewing=is_renewing, card_country=card_country)
    percent = base + (renewing if is_renewing else 0) + (abroad if card_country == "DE" else 0)
    assert sum(fee.value_units for fee in found) == fixed + round_half_away(amount_units * Fraction(percent) / 100, 0)
    assert all(fee.value_units > 0 for fee in found)
    assert len({fee.name for fee in found}) == len(found)
