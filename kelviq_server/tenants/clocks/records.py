"""Clocks of sandboxes: frozen, running, or on their way to a later instant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kelviq_server.platform.database import Tenant


class ClockStatus(StrEnum):
    """What a sandbox's clock does."""

    RUNNING = "RUNNING"
    FROZEN = "FROZEN"
    # On its way to a later instant, standing at each at which something falls due.
    ADVANCING = "ADVANCING"


@dataclass(frozen=True, slots=True)
class Clock:
    """A sandbox's clock, and its latest advance."""

    now: datetime
    frozen_at: datetime | None
    advance_id: UUID | None
    # Where it is on its way to; None when it is not.
    target: datetime | None
    carried_out: int
    # How often in a row what is due could not be had: somebody else has it in hand.
    fruitless: int
    failure: str | None

    @property
    def status(self) -> ClockStatus:
        """Return what the clock does."""
        if self.target is not None:
            return ClockStatus.ADVANCING
        return ClockStatus.RUNNING if self.frozen_at is None else ClockStatus.FROZEN


@dataclass(frozen=True, slots=True)
class CalendarStep:
    """How far a clock is advanced: by months first, as the calendar has them, then by the rest."""

    months: int
    rest: timedelta


@dataclass(frozen=True, slots=True)
class ClockMove:
    """What is to become of a clock; what was not sent is None."""

    is_frozen: bool | None = None
    now: datetime | None = None
    advance: CalendarStep | None = None


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Where an advanced clock goes next, and which of the kinds of work is due there; None when it has arrived."""

    at: datetime
    work: int | None


@dataclass(frozen=True, slots=True)
class Advance:
    """An advance that is under way, and whose clock it moves."""

    id: UUID
    tenant: Tenant
