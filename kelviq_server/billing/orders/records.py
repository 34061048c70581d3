"""Orders: what was bought, by whom, and what became of it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Raw

from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.products.records import Product
from kelviq_server.core.events import Event
from kelviq_server.core.invoice import Invoice
from kelviq_server.customers.records import CustomerSummary
from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.payments.records import Attempt, Failure, Outcome, PaymentMethod
from kelviq_server.platform.database import Tx


class OrderStatus(StrEnum):
    """What became of an order. Pending: its payment is on its way, and nobody gets to see it."""

    PENDING = "PENDING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    REFUNDED = "REFUNDED"
    PARTIAL_REFUND = "PARTIAL_REFUND"
    CANCELLED = "CANCELLED"
    FRAUDULENT = "FRAUDULENT"


class BillingType(StrEnum):
    """Whether it is paid once, or again and again."""

    ONE_TIME = "ONE_TIME"
    SUBSCRIPTION = "SUBSCRIPTION"


class Collection(StrEnum):
    """When a payment that fails is the end of an order."""

    # Always: whoever wants it has to ask anew.
    ONCE = "once"
    # Unless its customer only has to authenticate it.
    UNTIL_AUTHENTICATED = "until_authenticated"
    # Never: it is owed, and asked for again until somebody gives it up.
    UNTIL_PAID = "until_paid"


class EventStatus(StrEnum):
    """How something on a timeline went."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BilledCustomer(CustomerSummary):
    """The customer as they were when they bought."""

    tax_id: str | None


@dataclass(frozen=True, slots=True)
class PaidWith:
    """A payment method as orders keep it."""

    type: str
    name: str | None
    last4: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class BoughtFeature:
    """How many of a feature were bought."""

    identifier: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Sale:
    """Something that is about to be sold: everything that an order, its invoice and its payment are made from."""

    buyer: BilledCustomer
    product: Product
    version: PlanVersion
    currency: str
    invoice: Invoice
    billing_type: BillingType
    # The purchase or the subscription that is paid for.
    subscription_id: UUID
    features: Sequence[BoughtFeature]
    # None: nothing is due.
    method: PaymentMethod | None
    is_renewal: bool = False
    is_trial: bool = False
    collection: Collection = Collection.ONCE
    # Of a subscription: what all its records have in common; and which of its periods is paid, where it is one.
    lineage_id: UUID | None = None
    period_start: datetime | None = None
    # Whether the customer is there, and can be asked to authenticate the payment.
    is_on_session: bool = False
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is kept."""

    id: str
    status: OrderStatus
    billing_type: BillingType
    is_renewal: bool
    is_trial: bool
    collection: Collection
    customer_id: UUID
    subscription_id: UUID
    lineage_id: UUID | None
    product_id: UUID
    plan_version_id: UUID
    currency: str
    subtotal_units: int
    discount_units: int
    tax_units: int
    total_units: int
    credit_units: int
    paid_units: int
    refunding_units: int
    refunded_units: int
    buyer: BilledCustomer
    features: list[BoughtFeature] | None
    custom_fields: Raw
    payment_method: PaidWith | None
    invoice_id: str
    paid_at: datetime | None
    created_at: datetime
    modified_at: datetime

    @property
    def purchase_id(self) -> UUID:
        """Return what all records of the purchase or subscription have in common."""
        return self.lineage_id or self.subscription_id

    @property
    def due_units(self) -> int:
        """Return what is, or was, to be paid through the gateway."""
        return self.total_units - self.credit_units

    @property
    def refundable_units(self) -> int:
        """Return how much more can be refunded."""
        return self.paid_units - self.refunding_units


@dataclass(frozen=True, slots=True)
class SubscriptionSummary:
    """The subscription that an order is for, as the order shows it."""

    id: UUID
    status: str
    amount_units: int
    # Such as month.
    interval: str
    # None where there is no next one.
    next_invoice_at: datetime | None


@dataclass(frozen=True, slots=True)
class WholeOrder:
    """An order with what was bought, as answers show it."""

    order: Order
    product: Product
    version: PlanVersion
    subscription: SubscriptionSummary | None = None
    licenses: Sequence[LicenseKey] = ()
    # The payment method that its customer, who was there to pay it, goes on with.
    goes_on_with: int | None = None


@dataclass(frozen=True, slots=True)
class Paying:
    """How the payment of an order by a customer who is there went; no attempt where there was nothing to pay."""

    whole: WholeOrder
    attempt: Attempt | None
    outcome: Outcome | None


class OrderFollower(Protocol):
    """What an upper module does about an order when its payment has ended, and knows of what the order is for.

    Handed down by `use_order_followers`. In the transaction that notes how it ended; the order is locked with its
    customer, and given as it is with that. Returns what is to be announced after what billing says.
    """

    async def paid(self, tx: Tx, whole: WholeOrder) -> Sequence[Event]:
        """It is paid."""
        ...

    async def failed(self, tx: Tx, whole: WholeOrder, failure: Failure) -> Sequence[Event]:
        """It is not paid, and will not be."""
        ...

    async def left_open(self, tx: Tx, whole: WholeOrder, failure: Failure) -> Sequence[Event]:
        """A payment of it failed, and it is still owed."""
        ...

    async def summaries(self, tx: Tx, ids: AbstractSet[UUID]) -> Mapping[UUID, SubscriptionSummary]:
        """Return the subscriptions with these ids that it knows of."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An order that was written, and the attempt to have it paid; none where nothing is due."""

    order_id: str
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are asked for."""

    terms: Sequence[str] = ()
    status: OrderStatus | None = None
    billing_type: BillingType | None = None
    is_renewal: bool | None = None
    start_date: date | None = None
    end_date: date | None = None


@dataclass(frozen=True, slots=True)
class NewOrderEvent:
    """Something to note on an order's timeline."""

    code: str
    title: str
    status: EventStatus
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """Something that happened to an order."""

    id: int
    order_id: str
    title: str
    code: str
    status: EventStatus
    metadata: Raw
    happened_at: datetime
