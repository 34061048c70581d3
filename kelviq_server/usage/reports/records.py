"""Reports: what a merchant's server tells us that a customer used, and what was counted of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Raw

from kelviq_server.core.allowance import Enforce
from kelviq_server.core.errors import Refusal
from kelviq_server.usage.counting.records import Share

# Under this name usage is kept that came added up.
AGGREGATED = "aggregated.usage"


class Behaviour(StrEnum):
    """How a value that came added up is counted."""

    # It is what was used in the current period.
    SET = "SET"
    # It is added.
    DELTA = "DELTA"


@dataclass(frozen=True, slots=True)
class Report:
    """What one request, or one item of a batch, says: so much usage of a feature, or a raw event."""

    customer: str
    happened_at: datetime | None = None
    key: str | None = None
    # Of all that was sent, where there is a key.
    digest: bytes = b""
    # Of usage that came added up.
    feature: str | None = None
    behaviour: Behaviour = Behaviour.DELTA
    value: int = 0
    enforce: Enforce | None = None
    # Of a raw event.
    event_name: str = AGGREGATED
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    properties_text: str | None = None
    # What it was used with, as the caller names it.
    resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that is counted, and durable once the transaction is."""

    id: UUID
    happened_at: datetime
    organization: int
    # How much was counted, where enforcement was asked for, and how much of that was beyond what was left.
    counted: int | None = None
    beyond: int | None = None


Outcome = Accepted | Refusal


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """A report as it is kept, for ever."""

    id: UUID
    customer_id: UUID
    key: str | None
    event_name: str
    happened_at: datetime
    received_at: datetime
    feature_id: UUID | None
    behaviour: Behaviour | None
    value: int | None
    # Where enforcement was asked for: how much was beyond the limit.
    beyond: int | None
    properties: Raw
    resource_id: str | None
    counted: Sequence[Share]


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key under which something was reported before."""

    key: str
    event_id: UUID
    digest: bytes
