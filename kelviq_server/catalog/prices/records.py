"""Prices of a plan: what is charged for it, in which currency, how often."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kelviq_server.core.calendar import ChargePeriod, Reset, ResetTime
from kelviq_server.core.pricing import ZERO, PriceModel, Rate, Tier


class PriceType(StrEnum):
    """Whether a plan costs something."""

    FREE = "FREE"
    PAID = "PAID"
    # By agreement: each sale names its own amount.
    CUSTOM = "CUSTOM"


class TaxBehavior(StrEnum):
    """Whether a price has the tax in it."""

    INCLUSIVE = "INCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    UNSPECIFIED = "UNSPECIFIED"


class PaymentType(StrEnum):
    """Whether a quantity is paid before it is used, or after."""

    ADVANCE_COMMITMENT = "ADVANCE_COMMITMENT"
    PAY_AS_YOU_GO = "PAY_AS_YOU_GO"


class ThresholdType(StrEnum):
    """What the thresholds of an alert are: parts of the limit, or quantities."""

    PERCENTAGE = "PERCENTAGE"
    BALANCE = "BALANCE"


@dataclass(frozen=True, slots=True)
class Rollover:
    """How much of what was not used is carried into the next period."""

    enabled: bool = False
    # Of the unused quantity, 0 to 100.
    percentage: Decimal = Decimal(0)
    # In units; none means all of the percentage.
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class UsageAlerts:
    """At which usage the merchant is told."""

    enabled: bool = False
    thresholds: tuple[Decimal, ...] = ()
    threshold_type: ThresholdType = ThresholdType.PERCENTAGE


@dataclass(frozen=True, slots=True)
class MeterTerms:
    """What holds for a priced meter whatever the currency: a regional price has them from the base price."""

    reset: Reset = Reset.NEVER
    reset_time: ResetTime | None = None
    has_unlimited_usage: bool = False
    rollover: Rollover | None = None
    usage_alerts: UsageAlerts = field(default_factory=UsageAlerts)


@dataclass(frozen=True, slots=True)
class Charge:
    """What is charged each period. An amount belongs to FLAT and PACKAGE, tiers to the other models."""

    period: ChargePeriod
    amount: Decimal | None = None
    package_size: int | None = None
    tiers: tuple[Tier, ...] = ()
    # How few and how many may be bought.
    min_quantity: int | None = None
    max_quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a price: for one feature by its quantity, or for the plan itself; `chargeCatalogPrice` on the wire."""

    # None: the plan itself, whatever is used.
    feature_id: UUID | None
    model: PriceModel
    payment_type: PaymentType
    terms: MeterTerms
    charges: tuple[Charge, ...]

    def charge_every(self, period: ChargePeriod) -> Charge | None:
        """Return what is charged each of these periods, or None where it is not sold so."""
        return next((charge for charge in self.charges if charge.period is period), None)

    def rate(self, charge: Charge) -> Rate:
        """Return how one of its charges grows with the quantity."""
        return Rate(self.model, charge.amount or ZERO, charge.package_size or 1, charge.tiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrice:
    """What a price is made from; without a currency it is in the product's."""

    price_type: PriceType
    currency: str | None
    free_trial: bool = False
    trial_days: int = 0
    enabled: bool = True
    tax_behavior: TaxBehavior = TaxBehavior.EXCLUSIVE
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(NewPrice):
    """A price of a version of a plan. The first of a version is its base price, the others are regional."""

    id: UUID
    version_id: UUID
    currency: str

    @property
    def periods(self) -> list[ChargePeriod]:
        """Return in which periods it is charged, the most often first; what is free is taken once."""
        if self.price_type is PriceType.FREE:
            return [ChargePeriod.ONE_TIME]
        return [period for period in ChargePeriod if any(part.charge_every(period) for part in self.components)]


@dataclass(frozen=True, slots=True)
class OfferedPlan:
    """A plan that is or was for sale, and so is never deleted, with the currency of each price of all such versions."""

    id: UUID
    identifier: str
    product_id: UUID
    currencies: dict[UUID, str]
