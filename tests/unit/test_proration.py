"""Parts of a period cost what other billing systems say they cost, and always add up."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.core.money import round_half_away, split
from kelviq_server.core.period import Period
from kelviq_server.core.proration import remaining_share, unused

units = st.integers(0, 10**15)
instants = st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2080-01-01")).map(
    lambda at: at.replace(tzinfo=UTC)
)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The vectors of ../shared/vectors/billing.json: of proration, with their sources there.
@pytest.mark.parametrize(
    ("start", "end", "at", "price_units", "expected"),
    [
        pytest.param("2025-06-01", "2025-07-01", "2025-06-16", 10000, 5000, id="PO-pro-0c"),
        pytest.param("2025-06-01", "2025-07-01", "2025-06-16", 30000, 15000, id="PO-pro-0d"),
        pytest.param("2024-02-18", "2024-03-18", "2024-02-25", 10000, 7586, id="PO-pro-2c"),
        pytest.param("2024-02-18", "2024-03-18", "2024-02-25", 30000, 22759, id="PO-pro-2d"),
        pytest.param("2024-08-01", "2025-08-01", "2024-10-01", 100000, 83288, id="PO-pro-3c"),
        pytest.param("2023-02-18", "2024-02-18", "2023-09-05", 100000, 45479, id="PO-pro-5c"),
        pytest.param("2023-02-18", "2024-02-18", "2023-09-05", 300000, 136438, id="PO-pro-5d"),
        pytest.param("2025-06-01", "2026-06-01", "2025-08-13", 100000, 80000, id="PO-year-month"),
        pytest.param("2025-06-01", "2026-06-01", "2026-05-02", 365000, 30000, id="ME-year-in-month"),
    ],
)
def test_the_rest_of_a_period_costs_what_others_expect(
    start: str, end: str, at: str, price_units: int, expected: int
) -> None:
    assert unused(price_units, Period(day(start), day(end)), day(at)) == expected


def test_a_share_stays_between_all_and_nothing() -> None:
    june = Period(day("2025-06-01"), day("2025-07-01"))
    assert remaining_share(june, day("2025-05-01")) == remaining_share(june, june.start) == 1
    assert remaining_share(june, june.end) == remaining_share(june, day("2025-08-01")) == 0
    assert remaining_share(Period(june.start, june.start), june.start) == 0


def test_it_counts_to_the_second() -> None:
    june = Period(day("2025-06-01"), day("2025-07-01"))
    at = june.start + timedelta(seconds=1, microseconds=999_999)
    assert remaining_share(june, at) == Fraction(30 * 86400 - 1, 30 * 86400)


@given(units, instants, instants, instants)
def test_what_is_used_and_what_is_not_add_up_to_within_one_rounding(
    price_units: int, one: datetime, other: datetime, at: datetime
) -> None:
    period = Period(min(one, other), max(one, other))
    left = unused(price_units, period, at)
    assert 0 <= left <= price_units
    assert unused(-price_units, period, at) == -left, "a credit and a charge cancel out"


@given(st.fractions())
def test_a_fraction_is_rounded_as_a_decimal_is(amount: Fraction) -> None:
    rounded = round_half_away(amount, 0)
    assert abs(rounded - amount) <= Fraction(1, 2)
    if abs(rounded - amount) == Fraction(1, 2):
        assert abs(rounded) > abs(amount)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        pytest.param(1500, [1000, 1000], [750, 750], id="PO-disc-1500"),
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (5, [0, 0], [0, 5]),
        (2, [3, 0, 3, 3], [1, 0, 1, 0]),
        (0, [], []),
    ],
)
def test_a_total_is_divided_by_largest_remainder(total: int, weights: list[int], parts: list[int]) -> None:
    assert split(total, weights) == parts


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_parts_add_up_and_none_is_off_by_a_unit(total: int, weights: list[int]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    if sum(weights):
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - Fraction(total * weight, sum(weights))) < 1
