"""Endpoints: addresses of the merchant's that are told about events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# Of an endpoint that wants to hear of everything, types that are yet to come too.
ANY_TYPE = "*"


class DisabledReason(StrEnum):
    """Why an endpoint is told nothing."""

    # The merchant wished it so.
    REQUESTED = "REQUESTED"
    # It answered 410.
    GONE = "GONE"
    # For three days nothing got through.
    FAILING = "FAILING"


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What an endpoint is made from."""

    url: str
    event_types: Sequence[str]
    description: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of the merchant's that is told about events."""

    id: UUID
    url: str
    event_types: list[str]
    description: str
    is_enabled: bool
    disabled_reason: DisabledReason | None
    # In machine time; so are the first failure since the last success, and since when the oldest event waits
    # that it has not taken yet.
    disabled_at: datetime | None
    failing_since: datetime | None
    waiting_since: datetime | None
    secret_start: str
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class EndpointEdit:
    """What a change of an endpoint comes to: all its new values."""

    url: str
    event_types: list[str]
    description: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that deliveries are signed with: in full, as it is kept, and what is shown of it."""

    plain: str
    sealed: bytes
    start: str
