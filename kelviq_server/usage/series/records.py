"""What was used as time went by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Granularity(StrEnum):
    """How long a point is, by the calendar in UTC."""

    DAY = "day"
    # From Monday.
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Used:
    """What a meter has kept of what was used from a day on, until the next day that was asked for."""

    # Which of those days it is, the first being 1.
    place: int
    total: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Point:
    """So much was used from one day until before another."""

    start: date
    end: date
    value: Decimal | int


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days on which the points of a series begin, the earliest first, and the one on which the last ends."""

    starts: Sequence[date]
    end: date
