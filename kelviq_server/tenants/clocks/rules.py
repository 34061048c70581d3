"""Where clocks may go."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.period import boundary
from kelviq_server.platform.wire import Path, refuse_faults
from kelviq_server.tenants.clocks.errors import ClockAdvancing, DueWorkFailed
from kelviq_server.tenants.clocks.records import CalendarStep, Clock, ClockMove, ClockStatus, ClockStep

MAX_YEARS = 10
# Far below what any part of the way can hold, so that whatever is reckoned from there can be held, too.
LATEST = datetime(2500, 1, 1, tzinfo=UTC)
# Machine time: for so long whoever carries an advance on has it for himself, from each step on.
LEASE = timedelta(seconds=30)
# What somebody else has in hand is waited for, from one try to the next; and some five minutes in all.
PAUSE = timedelta(milliseconds=100)
MAX_FRUITLESS = 3000


def target(clock: Clock, move: ClockMove) -> datetime | None:
    """Return the instant that the clock is to be advanced to, which may be its own now; None lets it run.

    Raises ClockAdvancing, or InvalidFields for what contradicts itself, leads back, or leads too far.
    """
    if clock.status is ClockStatus.ADVANCING:
        raise ClockAdvancing
    refuse_faults(_contradictions(move))
    if move.is_frozen is False:
        return None
    at = clock.now
    if move.now is not None:
        at = move.now
    if move.advance is not None:
        at = later(clock.now, move.advance)
    refuse_faults([(("now" if move.advance is None else "advance",), fault) for fault in _faults(clock.now, at)])
    return at


def is_to_stop(clock: Clock, move: ClockMove) -> bool:
    """Say whether a clock that is on its way is to stand still where it is: that is always possible."""
    return clock.status is ClockStatus.ADVANCING and move == ClockMove(is_frozen=True)


def _contradictions(move: ClockMove) -> list[tuple[Path, str]]:
    if move == ClockMove():
        return [((), "Send frozen, now or advance.")]
    found: list[tuple[Path, str]] = []
    if move.now is not None and move.advance is not None:
        found.append((("advance",), "Send either now or advance."))
    if move.is_frozen is False and move != ClockMove(is_frozen=False):
        found.append((("frozen",), "A clock that is moved stands still; let it run when it has arrived."))
    if move.advance == CalendarStep(0, timedelta()):
        found.append((("advance",), "Say how far: months, days, hours or seconds."))
    return found


def _faults(now: datetime, at: datetime) -> list[str]:
    if at < now:
        return ["A clock is never put back."]
    if at > boundary(now, ChargePeriod.YEARLY, MAX_YEARS, UTC):
        return [f"A clock is advanced by {MAX_YEARS} years at most."]
    return ["No clock goes beyond the year 2500."] if at > LATEST else []


def later(now: datetime, step: CalendarStep) -> datetime:
    """Return the instant that much later on the calendar, in UTC."""
    return boundary(now, ChargePeriod.MONTHLY, step.months, UTC) + step.rest


def next_step(clock: Clock, target: datetime, due: Sequence[datetime | None]) -> ClockStep:
    """Return where the clock goes next, with the instants at which each kind of work is due; never back.

    What is overdue is due now.
    """
    first = min(((at, work) for work, at in enumerate(due) if at is not None and at <= target), default=None)
    return ClockStep(target, None) if first is None else ClockStep(max(first[0], clock.now), first[1])


def refuse_failure(clock: Clock) -> None:
    """Raise DueWorkFailed where something stopped the latest advance."""
    if clock.failure is not None:
        raise DueWorkFailed(clock.failure)
