"""Subscriptions: what a customer has bought, for which period, and where that stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kelviq_server.billing.orders.records import BilledCustomer, BillingType, BoughtFeature
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.catalog.products.records import Product
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Item, TaxRule
from kelviq_server.core.period import Period
from kelviq_server.entitlements.license_keys.records import LicenseKey


class SubscriptionStatus(StrEnum):
    """Where a record of a subscription stands."""

    # Its payment is on its way, or waits for the customer.
    INCOMPLETE = "incomplete"
    # That payment came to nothing.
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    # Something is owed, and asked for again.
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    # Another record took its place.
    SUPERSEDED = "superseded"


# Somebody has what was bought.
IN_FORCE = (SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)


class CancellationReason(StrEnum):
    """Who ended a subscription."""

    CUSTOMER = "CANCELLED_BY_CUSTOMER"
    MERCHANT = "CANCELLED_BY_MERCHANT"
    # The payment gateway: nobody paid.
    PROVIDER = "CANCELLED_BY_PROVIDER"


class CancellationFeedback(StrEnum):
    """Why a customer leaves."""

    TOO_EXPENSIVE = "TOO_EXPENSIVE"
    MISSING_FEATURES = "MISSING_FEATURES"
    SWITCHED_SERVICE = "SWITCHED_SERVICE"
    UNUSED = "UNUSED"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    LOW_QUALITY = "LOW_QUALITY"
    TOO_COMPLEX = "TOO_COMPLEX"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Worth:
    """A part of what the whole current period was charged at, after discounts; what is left of it can be credited."""

    what: str
    amount_units: int
    tax: TaxRule


@dataclass(frozen=True, slots=True)
class Taken:
    """What an order took over from the record that is its customer's whether it is paid or not: credits outweigh."""

    order_id: str
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Billing:
    """What of a record decides what is charged for it, when."""

    plan_id: UUID
    version_id: UUID
    price_id: UUID
    charge_period: ChargePeriod
    currency: str
    features: Sequence[BoughtFeature]
    custom_amount: Decimal | None
    tax_behavior: TaxBehavior | None
    # What a period costs, before discounts and taxes.
    amount_units: int
    discount_id: UUID | None
    cycle: int
    time_zone: str
    anchor_at: datetime
    period_index: int
    period_start: datetime | None
    period_end: datetime | None
    trial_start_at: datetime | None
    trial_end_at: datetime | None
    worth: Sequence[Worth]
    carried: Sequence[Item]

    @property
    def period(self) -> Period:
        """Return the current period; what is bought once has none."""
        assert self.period_start is not None
        assert self.period_end is not None
        return Period(self.period_start, self.period_end)

    @property
    def is_on_trial(self) -> bool:
        """Say whether the current period is a trial, whatever is owed besides."""
        return self.trial_end_at is not None and self.trial_end_at == self.period_end


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription(Billing):
    """A record that is about to be written."""

    id: UUID
    lineage_id: UUID
    predecessor_id: UUID | None
    is_seen: bool
    status: SubscriptionStatus
    billing_type: BillingType
    customer_id: UUID
    product_id: UUID
    started_at: datetime
    ends_at: datetime | None = None
    canceled_at: datetime | None = None
    cancellation_reason: CancellationReason | None = None
    cancellation_feedback: CancellationFeedback | None = None
    cancellation_comment: str | None = None
    expires_at: datetime | None = None
    # Of its orders that are not paid yet.
    taken: Sequence[Taken] = ()
    # What it is charged to first; and whether the customer's default takes over where that fails, or is there no more.
    method_id: int | None = None
    has_fallback: bool = True
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(NewSubscription):
    """A record of a subscription as it is kept."""

    # When it took its predecessor's place, or was paid first.
    effective_at: datetime | None
    owing_since: datetime | None
    retries: int
    retry_at: datetime | None
    collecting_since: datetime | None
    due_at: datetime | None
    created_at: datetime
    modified_at: datetime

    @property
    def is_in_force(self) -> bool:
        """Say whether its customer has what was bought."""
        return self.status in IN_FORCE

    @property
    def counts(self) -> bool:
        """Say whether it is one of the customer's active subscriptions, for which a customer cannot be archived."""
        return self.is_in_force and self.billing_type is BillingType.SUBSCRIPTION

    @property
    def next_invoice_at(self) -> datetime | None:
        """Return when it is charged next; None where it is not renewed any more."""
        is_ending = self.ends_at is not None and self.period_end is not None and self.ends_at <= self.period_end
        return None if is_ending or not self.counts else self.period_end


@dataclass(frozen=True, slots=True)
class WholeSubscription:
    """A record with what was bought, and by whom, as answers and events show it."""

    subscription: Subscription
    product: Product
    # With what it grants.
    version: PlanVersion
    customer: BilledCustomer
    # What the version grants, by id.
    features: Mapping[UUID, Feature]
    licenses: Sequence[LicenseKey]


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """Which records are asked for. Without statuses, one for each subscription: as it now is, and not ended."""

    customer: str | None = None
    statuses: tuple[SubscriptionStatus, ...] = ()
    started_after: datetime | None = None
    started_before: datetime | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None
