"""How much of a meter somebody may use: the limit, the period in which it holds, and what is drawn from which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from kelviq_server.core.calendar import ChargePeriod, Reset, ResetTime
from kelviq_server.core.money import EXACT
from kelviq_server.core.period import boundary, index_at

MAX_UNITS = 2**63 - 1
_EVERY = {
    Reset.EVERY_DAY: ChargePeriod.DAILY,
    Reset.EVERY_WEEK: ChargePeriod.WEEKLY,
    Reset.EVERY_28_DAYS: ChargePeriod.TWENTY_EIGHT_DAYS,
    Reset.EVERY_MONTH: ChargePeriod.MONTHLY,
    Reset.EVERY_QUARTER: ChargePeriod.THREE_MONTHS,
    Reset.EVERY_YEAR: ChargePeriod.YEARLY,
}
# A Monday and the first of a year: from here weeks, four weeks, months, quarters and years of the calendar are counted.
_CALENDAR = datetime(2018, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a meter begins again: every so often, counted from an anchor in a time zone; never without `every`."""

    every: ChargePeriod | None = None
    anchor: datetime = _CALENDAR
    time_zone: str = "UTC"

    @staticmethod
    def of(reset: Reset, time: ResetTime | None, anchor: datetime, time_zone: str) -> "Schedule":
        """Return the schedule of a reset: of the calendar in UTC, or of the subscription's anchor."""
        if reset is Reset.NEVER:
            return Schedule()
        if time is ResetTime.BEGINNING_OF_PERIOD:
            return Schedule(_EVERY[reset])
        return Schedule(_EVERY[reset], anchor, time_zone)

    def around(self, at: datetime) -> "Span":
        """Return the stretch of time that an instant belongs to."""
        if self.every is None:
            return Span(None, None)
        zone = ZoneInfo(self.time_zone)
        k = index_at(self.anchor, self.every, at, zone)
        return Span(boundary(self.anchor, self.every, k, zone), boundary(self.anchor, self.every, k + 1, zone))


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time, without beginning or end where a meter never begins again."""

    start: datetime | None
    end: datetime | None

    def __contains__(self, at: datetime) -> bool:
        """Say whether an instant belongs to it."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Carry:
    """How much of what was not used is carried into the next period: a part of it, up to a limit in units."""

    percentage: Decimal
    limit: int | None

    def of(self, unused: int) -> int:
        """Return what is carried of so many unused units, rounded down."""
        exact = EXACT.multiply(Decimal(max(unused, 0)), self.percentage) / 100
        carried = int(exact.to_integral_value(ROUND_DOWN))
        return min(carried, MAX_UNITS if self.limit is None else self.limit)


class Enforce(StrEnum):
    """What becomes of a report that goes beyond what is left."""

    # Nothing of it is counted.
    REJECT = "reject"
    # What is left is counted.
    CAP = "cap"
    # All of it is counted, and the answer says how much was beyond.
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms somebody may use a meter."""

    # In units a period; None: as much as they like.
    limit: int | None = None
    # No access once the limit is reached.
    is_hard: bool = False
    schedule: Schedule = field(default_factory=Schedule)
    carry: Carry | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """What was used in one period, in whole units, and what is held by reservations or was carried into it."""

    span: Span
    used: int = 0
    held: int = 0
    carried: int = 0

    def allowed(self, terms: Terms) -> int | None:
        """Return how much may be used in its period; None without a limit."""
        return allowed(terms.limit, self.carried)

    def left(self, terms: Terms) -> int | None:
        """Return how much is left, less than nothing where more was used; None without a limit."""
        most = self.allowed(terms)
        return None if most is None else most - self.used - self.held


def allowed(limit: int | None, carried: int) -> int | None:
    """Return how much may be used in a period into which so much was carried; None without a limit."""
    return None if limit is None else min(limit + carried, MAX_UNITS)


def has_access(terms: Terms, left: int | None) -> bool:
    """Say whether somebody may use more, of whom so much is left."""
    return left is None or left > 0 or not terms.is_hard


def carried_into(counter: Counter, terms_before: Callable[[datetime], Terms], span: Span) -> int:
    """Return what is carried from the period of a counter into a later one, period by period.

    `terms_before`: on which terms the meter is used just before an instant; they change once at the most until then.
    """
    end = counter.span.end
    if end is None or span.start is None:
        return 0
    terms, last = terms_before(end), terms_before(span.start)
    carried = _carried(terms, counter.carried, counter.used)
    while end < span.start:
        next_end = terms.schedule.around(end).end
        assert next_end is not None
        end, terms = next_end, terms_before(next_end)
        # Nothing was used in the periods that nobody touched.
        again = _carried(terms, carried, 0)
        if again == carried and terms == last:
            break
        carried = again
    return carried


def _carried(terms: Terms, carried: int, used: int) -> int:
    most = allowed(terms.limit, carried)
    return 0 if terms.carry is None or most is None else terms.carry.of(most - used)


def draw(amount: int, left: Sequence[int | None]) -> list[int]:
    """Return how much of an amount is drawn from each of several allowances, of which so much is left.

    The first is drawn from first, as far as it goes, then the next; what none has room for is drawn from the last.
    """
    parts = [0] * len(left)
    for place, room in enumerate(left):
        parts[place] = amount if room is None else min(amount, max(room, 0))
        amount -= parts[place]
    parts[-1] += amount
    return parts


def give_back(amount: int, used: Sequence[int]) -> list[int]:
    """Return how much of an amount each of several allowances gets back, the last first; none more than it was used."""
    parts = [0] * len(used)
    for place in reversed(range(len(used))):
        parts[place] = min(amount, max(used[place], 0))
        amount -= parts[place]
    return parts


def admitted(amount: int, left: int | None, enforce: Enforce) -> int:
    """Return how much of an amount is counted where a caller asks for enforcement, of whom so much is left in all."""
    if left is None or amount <= left or enforce is Enforce.OVERFLOW:
        return amount
    return 0 if enforce is Enforce.REJECT else max(left, 0)


def reached(used: int, allowed: int | None, thresholds: Sequence[Decimal], *, is_percentage: bool) -> list[Decimal]:
    """Return the thresholds that usage has reached: parts of the limit in percent, or units."""
    if not is_percentage:
        return [threshold for threshold in thresholds if used >= threshold]
    return [threshold for threshold in thresholds if allowed and used * 100 >= threshold * allowed]
