"""When the points of a series begin, and what was used in each: pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.core.money import EXACT, round_half_away
from kelviq_server.usage.series.errors import EndsBeforeItBegins, TooManyPoints
from kelviq_server.usage.series.records import Granularity, Point, Stretch, Used

MAX_POINTS = 400
DEFAULT_POINTS = 30
# Of an average, which has no end of decimals otherwise.
DECIMALS = 12
_WEEK = timedelta(weeks=1)


def stretch(first: date | None, last: date, granularity: Granularity) -> Stretch:
    """Return the points that hold these two days and all between; without a first one, the last thirty points.

    Raises EndsBeforeItBegins, TooManyPoints.
    """
    end = _place(last, granularity)
    start = end - DEFAULT_POINTS + 1 if first is None else _place(first, granularity)
    if first is not None and first > last:
        raise EndsBeforeItBegins
    if end - start >= MAX_POINTS:
        raise TooManyPoints
    *starts, after = [_day(place, granularity) for place in range(start, end + 2)]
    return Stretch(starts, after)


def _place(day: date, granularity: Granularity) -> int:
    """Return which day, week or month it is, counted from the beginning of the calendar, which was a Monday."""
    if granularity is Granularity.MONTH:
        return day.year * 12 + day.month - 1
    return day.toordinal() - 1 if granularity is Granularity.DAY else (day - date.min) // _WEEK


def _day(place: int, granularity: Granularity) -> date:
    """Return the first day of such a day, week or month."""
    if granularity is Granularity.MONTH:
        return date(place // 12, place % 12 + 1, 1)
    return date.fromordinal(place + 1) if granularity is Granularity.DAY else date.min + place * _WEEK


def points(stretch: Stretch, used: Sequence[Used], aggregation: Aggregation) -> list[Point]:
    """Return what was used in each point, zero where nothing was."""
    values = {each.place: value_of(aggregation, each.total, each.count) for each in used}
    days = pairwise([*stretch.starts, stretch.end])
    return [Point(start, end, values.get(place, 0)) for place, (start, end) in enumerate(days, 1)]


def value_of(aggregation: Aggregation, total: Decimal, count: int) -> Decimal | int:
    """Return what was used by what a meter has kept, with all its digits; an average with twelve decimals."""
    if aggregation in (Aggregation.COUNT, Aggregation.UNIQUE):
        return count
    if aggregation is Aggregation.AVG:
        total = Decimal(round_half_away(Fraction(total) / count, DECIMALS)).scaleb(-DECIMALS, EXACT) if count else total
    return int(total) if total == total.to_integral_value() else total.normalize(EXACT)
