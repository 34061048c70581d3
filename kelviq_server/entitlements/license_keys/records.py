"""Licence keys: what came with a purchase for its holder to type in, and what each is good for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kelviq_server.catalog.plans.records import DurationUnit, License


@dataclass(frozen=True, slots=True)
class Licensed:
    """A purchase in force, as far as it decides what its licence is good for."""

    customer_id: UUID
    lineage_id: UUID
    subscription_id: UUID
    version_id: UUID
    terms: License
    # What its periods are counted from, and where the current one began.
    anchor_at: datetime
    time_zone: str
    began_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class LicenseKey:
    """A licence as it is kept."""

    id: UUID
    key: str
    customer_id: UUID
    lineage_id: UUID
    subscription_id: UUID
    version_id: UUID
    # None: on any number of machines.
    activation_limit: int | None
    activation_usage: int
    # How long it holds from each charge on; None for as long as the purchase does.
    duration_unit: DurationUnit | None
    duration_value: int | None
    # Where the period began that it was last reckoned from.
    began_at: datetime
    expires_at: datetime | None
    # When what was bought ends, whatever else holds.
    ends_at: datetime | None
    is_limit_own: bool
    is_expiry_own: bool
    enabled: bool
    activated_at: datetime | None
    created_at: datetime
    modified_at: datetime

    def has_ended_at(self, now: datetime) -> bool:
        """Say whether the purchase is over, or its plan comes with no licence any more."""
        return self.ends_at is not None and self.ends_at <= now

    @property
    def valid_until(self) -> datetime | None:
        """Return the instant from which on it is not valid any more; None where none is known."""
        ends = [at for at in (self.expires_at, self.ends_at) if at is not None]
        return min(ends, default=None)

    def is_expired_at(self, now: datetime) -> bool:
        """Say whether its time, or that of the purchase, is over."""
        until = self.valid_until
        return until is not None and until <= now
