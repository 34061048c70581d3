"""Licences as applications ask for them: with where each is active, and what it is a licence of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Raw

from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.subscriptions.life.records import Subscription


class Validity(StrEnum):
    """What is to be said of a key, and of an instance that it was asked for with."""

    VALID = "VALID"
    INVALID_KEY = "INVALID_KEY"
    INSTANCE_NOT_FOUND = "INSTANCE_NOT_FOUND"
    EXPIRED = "EXPIRED"
    DISABLED = "DISABLED"
    NOT_ACTIVATED = "NOT_ACTIVATED"


@dataclass(frozen=True, slots=True)
class Instance:
    """Where a licence is active: a machine, mostly."""

    id: UUID
    name: str | None
    # The caller's own, as JSON.
    metadata: Raw
    activated_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class NewInstance:
    """Where a licence is to be active."""

    key: str
    # Whose the licence must be, if anybody's; as the merchant calls them.
    customer: str | None
    name: str | None
    # As JSON.
    metadata: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a licence is."""

    external_id: str
    name: str | None
    email: str | None
    is_archived: bool


@dataclass(frozen=True, slots=True)
class LicensedProduct:
    """The product that a licence is of."""

    id: UUID
    identifier: str
    name: str
    tax_code: str
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class LicensedPlan:
    """The version of a plan that a licence came with."""

    identifier: str
    name: str
    description: str
    version: int
    is_latest: bool
    product: LicensedProduct


@dataclass(frozen=True, slots=True)
class WholeLicense:
    """A licence with everything that answers show of it, as of an instant."""

    now: datetime
    license: LicenseKey
    customer: Holder
    plan: LicensedPlan
    subscription: Subscription
    # The one that was asked for, if there is one.
    instance: Instance | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a key; no licence where there is none with it."""

    validity: Validity
    whole: WholeLicense | None
    is_of_instance: bool = False


@dataclass(frozen=True, slots=True)
class LicenseFilter:
    """Which licences are asked for."""

    customer: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ListedLicense:
    """A licence as lists show it."""

    license: LicenseKey
    customer: Holder
    plan: LicensedPlan
