"""Plans: what is sold, in versions."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Raw

from kelviq_server.catalog.prices.records import MeterTerms, Price
from kelviq_server.core.entitlement import Entitlement, effective, own_of


class VersionState(StrEnum):
    """Where a version of a plan stands: being edited, for sale, or only with those who bought it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


class DurationUnit(StrEnum):
    """What the duration of a licence is counted in."""

    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"


@dataclass(frozen=True, slots=True)
class License:
    """Whether buyers get a licence key, and for how many machines and how long."""

    enabled: bool = False
    activation_limit: int = 1
    activation_limit_enabled: bool = False
    duration_unit: DurationUnit = DurationUnit.YEAR
    duration_value: int = 1
    has_expiry: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An address that buyers get to see."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class PlanFields:
    """What a version of a plan says about itself. Free-form values are JSON texts."""

    name: str
    description: str = ""
    metadata: str = "{}"
    is_visible: bool = True
    license: License = field(default_factory=License)
    links: tuple[Link, ...] = ()
    ordering: int | None = None


@dataclass(frozen=True, slots=True)
class NewPlan:
    """What a plan is made from; without an identifier the name makes one."""

    product_id: UUID
    fields: PlanFields
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A file that buyers of a plan may download. Its id is the same in every version."""

    id: UUID
    name: str
    file_name: str
    ordering: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class EntitlementDetails:
    """On which terms a plan grants a feature."""

    # BOOLEAN: whether it is on. CUSTOMIZABLE: the number. METER: the limit, unless usage is unlimited.
    value: bool | Decimal | None = None
    terms: MeterTerms = field(default_factory=MeterTerms)
    is_hard_limit: bool = False
    # Keys of the merchant's own, as JSON.
    extra: str = "{}"


PlanEntitlement = Entitlement[EntitlementDetails]


@dataclass(frozen=True, slots=True)
class NewEntitlement:
    """A feature that a plan is to grant."""

    feature_id: UUID
    details: EntitlementDetails
    # It was read as inherited: where the base plan grants it on just these terms, it goes on being inherited.
    is_as_inherited: bool = False


@dataclass(frozen=True, slots=True)
class Granting:
    """What decides what a version of a plan grants: its own entitlements, and those it takes from its base plan.

    A published version has all of them as its own rows; only a draft still follows its base plan.
    """

    own: tuple[PlanEntitlement, ...] = ()
    base: tuple[PlanEntitlement, ...] = ()

    def granted(self) -> list[PlanEntitlement]:
        """Return the entitlements in force."""
        return effective(self.own, self.base) if self.base else list(self.own)


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan, with what the whole family has: identifier, product, countries."""

    id: UUID
    plan_id: UUID
    identifier: str
    product_id: UUID
    version: int
    state: VersionState
    name: str
    description: str
    metadata: Raw
    details: Raw
    is_visible: bool
    license: License
    links: tuple[Link, ...]
    ordering: int | None
    countries: tuple[str, ...]
    base_plan: str | None
    base_plan_id: UUID | None
    is_archived: bool
    created_at: datetime
    modified_at: datetime
    files: tuple[PlanFile, ...]
    # Where a list was asked to bring them along.
    prices: tuple[Price, ...] = ()
    granting: Granting = field(default_factory=Granting)

    @property
    def base_currency(self) -> str | None:
        """Return the currency of its base price, of those that are on sale; None where none is."""
        return next((price.currency for price in self.prices if price.enabled), None)

    def is_sold_in(self, country: str | None) -> bool:
        """Say whether it may be bought from a country; where nobody has said from where, it may."""
        return not self.countries or country is None or country in self.countries

    @property
    def granted(self) -> list[PlanEntitlement]:
        """Return the entitlements in force."""
        return self.granting.granted()

    @property
    def own(self) -> list[PlanEntitlement]:
        """Return the entitlements that it has by itself."""
        return own_of(self.granting.own)


@dataclass(frozen=True, slots=True)
class PlanFamily:
    """A plan across its versions, locked, so that nobody else edits or publishes it."""

    id: UUID
    identifier: str
    product_id: UUID
    currency: str
    is_archived: bool
    is_product_archived: bool
    # Numbers of the version for sale and of the one being edited, and the highest there is.
    published: int | None
    draft: int | None
    last: int


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change of a plan does: which version it writes, and from which one that is copied first, if it is new."""

    version: int
    copied_from: int | None = None


@dataclass(frozen=True, slots=True)
class Editing:
    """A plan that is locked, the change that is about to be made, and the version as it is before it."""

    plan: PlanFamily
    edit: Edit
    version: PlanVersion


@dataclass(frozen=True, slots=True)
class Rollout:
    """What publishing does for those who bought an earlier version, from their next period on."""

    update_features: bool = False
    update_pricing: bool = False

    @property
    def concerns_anybody(self) -> bool:
        """Say whether anything is to be carried out."""
        return self.update_features or self.update_pricing


@dataclass(frozen=True, slots=True)
class PromisedRollout(Rollout):
    """What publishing a version promised to those who bought an earlier one."""

    version_id: UUID = field(kw_only=True)
    version: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Publishable:
    """What decides whether a draft may be put on sale."""

    prices: tuple[Price, ...]
    published_currencies: frozenset[str] = field(default_factory=frozenset[str])
    base_plan: str | None = None
    is_base_published: bool = True
    has_gateway: bool = False
