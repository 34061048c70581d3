"""Deliveries: events on their way to endpoints, and the attempts to bring them there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane that somebody took."""

    endpoint_id: UUID
    # Whose events wait in it: a customer's, or one that waits for itself.
    lane: UUID
    # Names this taking; the lane bears the number of the latest.
    lease: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint, with all that is needed to send it."""

    tenant_id: int
    endpoint_id: UUID
    lane: UUID
    lease: int
    seq: int
    position: int
    failures: int
    # Machine time.
    queued_at: datetime
    event_id: UUID
    type: str
    body: str
    url: str
    sealed_secret: bytes
    # What the endpoint was like when the delivery was taken.
    failing_since: datetime | None

    @property
    def taken(self) -> Lease:
        """Return the lane it was taken from."""
        return Lease(self.endpoint_id, self.lane, self.lease)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken, and when, in machine time."""

    # How many lanes that were; nothing was left in some of them.
    lanes: int
    deliveries: Sequence[Delivery]
    at: datetime


@dataclass(frozen=True, slots=True)
class Slots:
    """How much this process may send at once: to each endpoint, for each tenant, and in all."""

    healthy: int
    failing: int
    tenant: int
    # How much is on its way to each endpoint.
    busy: Mapping[UUID, int]
    # How much more may be on its way in all.
    limit: int


class Step(StrEnum):
    """What becomes of a delivery after an attempt."""

    # Taken, or given up: it leaves.
    DONE = "done"
    # Tried again later; those behind it wait.
    RETRY = "retry"
    # Tried again later, in a lane of its own; those behind it wait no longer.
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to, and what is next. `due_at` is None when nothing is."""

    step: Step
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to tell an endpoint of an event. `attempted_at` is machine time."""

    id: UUID
    delivery: Delivery
    attempted_at: datetime
    milliseconds: int
    is_success: bool
    status_code: int | None
    failure: str | None
    answer: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Health:
    """What the latest attempts say about an endpoint."""

    endpoint_id: UUID
    # What they were sent to; of another address they say nothing.
    url: str
    is_success: bool
    is_gone: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """Which events are told once more: from `start` to before `end`, if there is one, by the tenant's clock."""

    start: datetime
    end: datetime | None
    # None: all that the endpoint wants.
    event_types: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A part of a replay: how many events were queued, and where the last of them stands in the log."""

    count: int
    last: int | None
