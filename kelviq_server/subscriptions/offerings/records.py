"""What a product is offered as: to somebody of whom only the country is known, or to a customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price
from kelviq_server.core.calendar import ChargePeriod


@dataclass(frozen=True, slots=True)
class HeldSubscription:
    """What a customer has of the product."""

    id: UUID
    plan: str
    charge_period: ChargePeriod
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Found:
    """All that an offering is made of, read at one instant."""

    organization_id: int
    currency: str
    plans: Sequence[PlanVersion]
    features: Sequence[Feature]
    # What a US dollar comes to, by currency, of those that were asked for and the product's own.
    rates: Mapping[str, Decimal]
    is_customer: bool
    # In which currency they last paid, and so go on paying.
    paid_in: str | None
    # The one in force, else the last one.
    subscription: HeldSubscription | None


@dataclass(frozen=True, slots=True)
class Locale:
    """In which currency, and how spelled, somebody sees prices."""

    country: str | None
    # BCP 47, such as en-IN.
    tag: str
    # In which people pay where they are, the usual one first.
    currencies: Sequence[str]


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """A plan with the price that somebody sees, and the base price."""

    version: PlanVersion
    price: Price
    base: Price


@dataclass(frozen=True, slots=True)
class Offering:
    """What somebody sees of a product."""

    found: Found
    locale: Locale
    currency: str
    rate: Decimal
    plans: Sequence[OfferedPlan]
    periods: Sequence[ChargePeriod]
    features: Mapping[UUID, Feature] = field(default_factory=dict[UUID, Feature])
