"""Partners, and the organizations they provisioned."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Partner:
    """Who provisions organizations, with the first characters of the key it calls with."""

    id: int
    name: str
    key_shown: str
    created_at: datetime
    # None while the key is in force.
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProvisionOrganization:
    """A partner's wish to have an organization made."""

    external_id: str
    email: str
    business_name: str | None = None


@dataclass(frozen=True, slots=True)
class PartnerOrganization:
    """An organization as its partner reads it."""

    user_id: int
    identifier: UUID
    slug: str
    external_id: str
    # None once the key is revoked.
    client_key: str | None
    sealed_server_key: bytes | None


@dataclass(frozen=True, slots=True)
class PartnerOrganizationPage:
    """One page of a partner's organizations, and how many there are."""

    count: int
    organizations: list[PartnerOrganization]
