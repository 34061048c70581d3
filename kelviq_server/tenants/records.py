"""Organizations, environments, keys and people."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class EnvironmentName(StrEnum):
    """The two environments of every organization."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class KeyKind(StrEnum):
    """What a key may do: everything, or what a browser may see."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Organization:
    """A company that sells."""

    id: int
    identifier: UUID
    name: str
    slug: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Environment:
    """A tenant, by the name its organization knows it under."""

    id: int
    organization_id: int
    organization: UUID
    slug: str
    name: EnvironmentName


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the one moment when it can be read in full."""

    kind: KeyKind
    environment: EnvironmentName
    plain: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EnvironmentKeys:
    """The first two keys of an environment."""

    server: NewKey
    client: NewKey


@dataclass(frozen=True, slots=True)
class OrganizationKeys:
    """The first keys of an organization."""

    sandbox: EnvironmentKeys
    production: EnvironmentKeys


@dataclass(frozen=True, slots=True)
class FoundedOrganization:
    """A new organization with the ids of its production keys, which a partner may read back."""

    organization: Organization
    production_server_key_id: UUID
    production_client_key_id: UUID


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: its first characters only."""

    id: UUID
    tenant_id: int
    organization_slug: str
    environment: EnvironmentName
    kind: KeyKind
    shown: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whom a key in use speaks for."""

    key_id: UUID
    kind: KeyKind
    tenant_id: int
    environment: EnvironmentName
    organization: UUID


@dataclass(frozen=True, slots=True)
class Seller:
    """A tenant as the documents it issues name it."""

    organization_id: int
    identifier: UUID
    name: str
    slug: str
    environment: EnvironmentName
    # The organization's name, unless another was given.
    legal_name: str
    email: str | None
    # JSON text, with the fields of a billing address.
    billing_address: str | None
    tax_id: str | None
    time_zone: str
    # Whether a business that pays the tax itself pays less where a price holds the tax. Else the price stays.
    lowers_price_for_businesses: bool

    @property
    def country(self) -> str | None:
        """Return the code of the country it sells from, if it has said so."""
        return None if self.billing_address is None else json.loads(self.billing_address).get("country")
