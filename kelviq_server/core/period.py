"""Billing periods: the k-th is a function of the anchor and k alone, so no error of one adds up in the next."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from kelviq_server.core.calendar import ChargePeriod

_DAYS = {ChargePeriod.DAILY: 1, ChargePeriod.WEEKLY: 7, ChargePeriod.TWENTY_EIGHT_DAYS: 28}
_MONTHS = {
    ChargePeriod.MONTHLY: 1,
    ChargePeriod.THREE_MONTHS: 3,
    ChargePeriod.SIX_MONTHS: 6,
    ChargePeriod.YEARLY: 12,
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, half-open: its start belongs to it, its end to the next."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """Return how long it is, in whole seconds."""
        return whole_seconds(self.end) - whole_seconds(self.start)

    def __contains__(self, at: datetime) -> bool:
        """Say whether an instant belongs to it."""
        return self.start <= at < self.end


def whole_seconds(at: datetime) -> int:
    """Return how many whole seconds after the epoch an instant is."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def boundary(anchor: datetime, every: ChargePeriod, k: int, zone: tzinfo) -> datetime:
    """Return where the k-th period begins and the one before it ends, in UTC; the anchor itself for 0.

    Counted on the calendar and the clock of the zone: an anchor at 9:00 on the 31st gives 9:00 on the last day of each
    shorter month. A time that the zone's clock skips is as much later as it skips; of one that comes twice it is the
    first. Raises ValueError for ONE_TIME, which has no periods.
    """
    if every is ChargePeriod.ONE_TIME:
        raise ValueError("what is charged once has no periods")
    if k == 0:
        return anchor.astimezone(UTC)
    local = anchor.astimezone(zone).replace(tzinfo=None, fold=0)
    if every in _DAYS:
        moved = local + timedelta(days=_DAYS[every] * k)
    else:
        year, month = divmod(local.year * 12 + local.month - 1 + _MONTHS[every] * k, 12)
        moved = local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))
    return moved.replace(tzinfo=zone).astimezone(UTC)


def period(anchor: datetime, every: ChargePeriod, k: int, zone: tzinfo) -> Period:
    """Return the k-th period from 0, in UTC.

    It is empty only where the zone left out a whole day, as those by the date line did when they changed sides.
    """
    return Period(boundary(anchor, every, k, zone), boundary(anchor, every, k + 1, zone))


def index_at(anchor: datetime, every: ChargePeriod, at: datetime, zone: tzinfo) -> int:
    """Return which period an instant belongs to; negative before the anchor."""
    days = _DAYS.get(every) or _MONTHS[every] * 28
    k = (at - anchor) // timedelta(days=days) if at >= anchor else -((anchor - at) // timedelta(days=days)) - 1
    # Months are longer than that and clocks are moved: the guess may be too far from the anchor, and hardly too near.
    while boundary(anchor, every, k, zone) > at:
        k -= 1
    while boundary(anchor, every, k + 1, zone) <= at:
        k += 1
    return k
