"""A sandbox's clock as the wire spells it."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from kelviq_server.platform.values import Between, Flag, Instant
from kelviq_server.platform.wire import Answer, Body, wire_instant
from kelviq_server.tenants.clocks.records import CalendarStep, Clock, ClockMove, ClockStatus

_ABSENT: Any = None


class SandboxClockAdvance(Body):
    """How far a clock is advanced: by months first, then by the rest."""

    months: Annotated[int, Between(0, 120)] = Field(
        0, description="On the calendar, in UTC: a month after 31 January is the last day of February."
    )
    days: Annotated[int, Between(0, 3660)] = Field(0, description="Days of 24 hours.")
    hours: Annotated[int, Between(0, 87_840)] = Field(0, description="Hours.")
    seconds: Annotated[int, Between(0, 316_224_000)] = Field(0, description="Seconds.")

    def step(self) -> CalendarStep:
        """Return it as it is reckoned with."""
        return CalendarStep(self.months, timedelta(days=self.days, hours=self.hours, seconds=self.seconds))


class SandboxClockRequest(Body):
    """What is to become of the clock: one of `frozen`, `now` and `advance`."""

    frozen: Flag = Field(
        _ABSENT, description="True lets the clock stand still where it is, false lets it run on from where it stands."
    )
    now: Instant = Field(
        _ABSENT,
        description="The instant to which the clock is advanced, and at which it then stands still.",
        examples=["2027-01-01T00:00:00Z"],
    )
    advance: SandboxClockAdvance = Field(
        _ABSENT, description="By how much the clock is advanced; it then stands still.", examples=[{"months": 1}]
    )

    def move(self) -> ClockMove:
        """Return it as it is carried out."""
        is_step = "advance" in self.model_fields_set
        return ClockMove(self.frozen, self.now, self.advance.step() if is_step else None)


class SandboxClock(Answer):
    """The clock of a sandbox."""

    status: ClockStatus = Field(
        description="RUNNING; FROZEN: it stands still; ADVANCING: it is on its way, and stops at whatever falls due."
    )
    now: datetime = Field(description="What time it is in the sandbox.")
    frozen_at: datetime | None = Field(description="The instant at which it stands still; null while it runs.")
    target: datetime | None = Field(description="Where it is on its way to; null when it is not.")
    handle: UUID | None = Field(description="Names the latest advance; null before the first.")
    carried_out: int = Field(description="How much fell due and was carried out on this advance so far.")
    failure: str | None = Field(
        description="What could not be carried out on the latest advance, which ended there; null when nothing failed."
    )


def clock_answer(clock: Clock) -> dict[str, Any]:
    """Return a clock as the API answers with it."""
    return {
        "status": clock.status,
        "now": wire_instant(clock.now),
        "frozenAt": clock.frozen_at and wire_instant(clock.frozen_at),
        "target": clock.target and wire_instant(clock.target),
        "handle": clock.advance_id,
        "carriedOut": clock.carried_out,
        "failure": clock.failure,
    }
