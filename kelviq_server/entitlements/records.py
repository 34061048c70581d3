"""What a customer may do: what subscriptions grant, what holds instead, and what that comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.usage.allowances.records import Allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A subscription in force, as far as it decides what its customer may do."""

    customer_id: UUID
    lineage_id: UUID
    subscription_id: UUID
    # With its entitlements.
    version: PlanVersion
    price: Price
    charge_period: ChargePeriod
    # How much was bought of each feature, by its identifier.
    quantities: Mapping[str, int]
    anchor_at: datetime
    time_zone: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A feature that a subscription grants; of a METER the rest is an allowance."""

    feature_id: UUID
    feature: str
    feature_type: FeatureType
    # BOOLEAN: whether it is on. CUSTOMIZABLE: the number.
    value: bool | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a subscription in force grants."""

    lineage_id: UUID
    subscription_id: UUID
    version_id: UUID
    ends_at: datetime | None
    entries: Sequence[Entry]
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class NewOverride:
    """What shall hold for one customer instead of what their subscriptions grant."""

    # BOOLEAN: whether it is on. CUSTOMIZABLE: the number. METER: the limit, or none.
    value: bool | Decimal | None
    reason: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What holds for one customer instead of what their subscriptions grant."""

    feature_id: UUID
    feature: str
    feature_type: FeatureType
    # BOOLEAN: whether it is on. CUSTOMIZABLE: the number. METER: the limit, or none.
    value: bool | Decimal | None
    reason: str
    expires_at: datetime | None
    created_at: datetime
    modified_at: datetime

    def holds_at(self, now: datetime) -> bool:
        """Say whether it holds at an instant."""
        return self.expires_at is None or now < self.expires_at

    def says(self, new: NewOverride) -> bool:
        """Say whether it is what somebody wants to hold."""
        return (self.value, self.reason, self.expires_at) == (new.value, new.reason, new.expires_at)


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides what a customer may do, read at one instant."""

    customer_id: UUID
    now: datetime
    grants: Sequence[Grant]
    allowances: Sequence[Allowance]
    overrides: Sequence[Override]


@dataclass(frozen=True, slots=True)
class Access:
    """What a customer may do with a feature by one of their subscriptions, or by an override alone."""

    feature: str
    feature_type: FeatureType
    has_access: bool
    resets_at: datetime | None = None
    is_hard: bool | None = None
    limit: int | None = None
    used: int | None = None
    left: int | None = None


class Judgement(NamedTuple):
    """What a customer may do with a feature, and what led to that."""

    access: Access
    entry: Entry
    # None where nothing but an override grants it.
    grant: Grant | None
    override: Override | None
    # Of a METER, as it stands now.
    allowance: Allowance | None = None
