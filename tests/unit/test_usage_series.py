"""When the points of a series begin, and what they say."""

from datetime import date
from decimal import Decimal

import pytest

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.usage.series.errors import EndsBeforeItBegins, TooManyPoints
from kelviq_server.usage.series.records import Granularity, Point, Stretch, Used
from kelviq_server.usage.series.rules import points, stretch, value_of


def days(first: str | None, last: str, granularity: Granularity) -> tuple[int, str, str, str]:
    """Return how many points there are, where the first and the last begin, and where that ends."""
    found = stretch(None if first is None else date.fromisoformat(first), date.fromisoformat(last), granularity)
    assert all(found.starts[place] < found.starts[place + 1] for place in range(len(found.starts) - 1))
    return len(found.starts), str(found.starts[0]), str(found.starts[-1]), str(found.end)


def test_points_hold_the_days_that_are_named() -> None:
    assert days("2028-02-28", "2028-03-01", Granularity.DAY) == (3, "2028-02-28", "2028-03-01", "2028-03-02")
    # A Wednesday and a Sunday.
    assert days("2030-12-25", "2031-01-05", Granularity.WEEK) == (2, "2030-12-23", "2030-12-30", "2031-01-06")
    assert days("2030-11-30", "2031-01-01", Granularity.MONTH) == (3, "2030-11-01", "2031-01-01", "2031-02-01")
    assert days("2031-01-05", "2031-01-05", Granularity.WEEK) == (1, "2030-12-30", "2030-12-30", "2031-01-06")


def test_without_a_first_day_there_are_thirty_points() -> None:
    assert days(None, "2031-03-01", Granularity.DAY) == (30, "2031-01-31", "2031-03-01", "2031-03-02")
    assert days(None, "2031-03-01", Granularity.MONTH) == (30, "2028-10-01", "2031-03-01", "2031-04-01")


def test_there_are_no_more_than_four_hundred_points() -> None:
    assert days("2030-01-01", "2031-02-04", Granularity.DAY)[0] == 400
    for first, last, granularity in (
        ("2030-01-01", "2031-02-05", Granularity.DAY),
        ("2023-05-01", "2031-01-05", Granularity.WEEK),
        ("1900-01-01", "2031-01-05", Granularity.MONTH),
    ):
        with pytest.raises(TooManyPoints):
            days(first, last, granularity)


def test_a_series_does_not_end_before_it_begins() -> None:
    with pytest.raises(EndsBeforeItBegins):
        days("2031-01-07", "2031-01-06", Granularity.WEEK)


def test_where_nothing_was_used_a_point_is_zero() -> None:
    first, second, end = date(2031, 1, 1), date(2031, 1, 2), date(2031, 1, 3)
    found = points(Stretch([first, second], end), [Used(2, Decimal("2.50"), 4)], Aggregation.SUM)
    assert found == [Point(first, second, 0), Point(second, end, Decimal("2.5"))]


@pytest.mark.parametrize(
    ("aggregation", "value"),
    [
        (Aggregation.SUM, "10"),
        (Aggregation.MAX, "10"),
        (Aggregation.LATEST, "10"),
        (Aggregation.COUNT, "3"),
        (Aggregation.UNIQUE, "3"),
        (Aggregation.AVG, "3.333333333333"),
    ],
)
def test_a_value_is_what_the_meter_makes_of_what_it_kept(aggregation: Aggregation, value: str) -> None:
    assert str(value_of(aggregation, Decimal("10.0"), 3)) == value


def test_no_digit_of_a_sum_is_lost() -> None:
    assert str(value_of(Aggregation.SUM, Decimal("123456789012345678.123456789012"), 2)) == (
        "123456789012345678.123456789012"
    )
    assert value_of(Aggregation.AVG, Decimal(0), 0) == 0
    assert str(value_of(Aggregation.AVG, Decimal(-1), 8)) == "-0.125"
