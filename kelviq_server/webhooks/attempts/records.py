"""Attempts: what came of each try to tell an endpoint of an event."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """An attempt as the list of attempts has it."""

    id: UUID
    event_id: UUID
    endpoint_id: UUID
    type: str
    status_code: int | None
    is_success: bool
    retry_count: int
    attempted_at: datetime
    created_at: datetime
    payload: msgspec.Raw


@dataclass(frozen=True, slots=True)
class AttemptDetails(AttemptEntry):
    """An attempt with all that is known about it."""

    milliseconds: int
    failure: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days in UTC, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class TenantDay:
    """One day of one tenant's attempts."""

    tenant_id: int
    day: date
