"""What happened to orders and their invoices, as the public webhook guide writes it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from msgspec import Raw

from kelviq_server.billing.invoices.records import Invoice, InvoiceStatus
from kelviq_server.billing.orders.records import BilledCustomer, BillingType, Collection, Order, OrderStatus, WholeOrder
from kelviq_server.catalog.plans.records import License, PlanVersion, VersionState
from kelviq_server.catalog.products.records import Product, TaxCode
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.core.money import to_amount
from kelviq_server.customers.events import customer_object
from kelviq_server.platform.values import currency_exponents

_ACME = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")
_JANE = BilledCustomer(
    UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"),
    "unique-customer-id-123",
    "Jane Doe",
    "jane@example.com",
    {"postalCode": "560001", "country": "IN"},
    None,
)
_AT = datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC)
_PRODUCT = Product(UUID("0197269a-2f10-7c4e-8d21-5b1f0c9a7e33"), "suite", "Suite", "", TaxCode.SAAS, "", False, _AT, ())
_VERSION = PlanVersion(
    id=UUID("0197269a-3a52-7f0b-9c41-2d7e6b8f1a54"),
    plan_id=UUID("0197269a-3a52-7e11-b0c7-9f3d2a6c5e18"),
    identifier="lifetime-access",
    product_id=_PRODUCT.id,
    version=1,
    state=VersionState.PUBLISHED,
    name="Lifetime Access",
    description="",
    metadata=Raw(b"{}"),
    details=Raw(b"{}"),
    is_visible=True,
    license=License(),
    links=(),
    ordering=None,
    countries=(),
    base_plan=None,
    base_plan_id=None,
    is_archived=False,
    created_at=_AT,
    modified_at=_AT,
    files=(),
)
_ORDER = Order(
    id="ORD-20250604060330-H8IO7",
    status=OrderStatus.COMPLETE,
    billing_type=BillingType.ONE_TIME,
    is_renewal=False,
    is_trial=False,
    collection=Collection.ONCE,
    customer_id=_JANE.id,
    subscription_id=UUID("019726d5-9d13-7c8e-9896-18c69d3026c4"),
    lineage_id=None,
    product_id=_PRODUCT.id,
    plan_version_id=_VERSION.id,
    currency="USD",
    subtotal_units=1000,
    discount_units=0,
    tax_units=0,
    total_units=1000,
    credit_units=0,
    paid_units=1000,
    refunding_units=0,
    refunded_units=0,
    buyer=_JANE,
    features=None,
    custom_fields=Raw(b"{}"),
    payment_method=None,
    invoice_id="INV-20250604060330-FCM4B",
    paid_at=_AT,
    created_at=_AT,
    modified_at=_AT,
)
_INVOICE = Invoice(
    id=_ORDER.invoice_id,
    number=1,
    status=InvoiceStatus.PAID,
    order_id=_ORDER.id,
    customer_id=_JANE.id,
    subscription_id=_ORDER.subscription_id,
    currency="USD",
    lines=(),
    subtotal_units=1000,
    discount_units=0,
    tax_units=0,
    total_units=1000,
    credit_units=0,
    buyer=Raw(b"{}"),
    seller=Raw(b"{}"),
    opened_at=_AT,
    paid_at=_AT,
    created_at=_AT,
    modified_at=_AT,
)
EXAMPLE = WholeOrder(_ORDER, _PRODUCT, _VERSION)


def amount_text(units: int, currency: str) -> str:
    """Return an amount in the major unit, with all its decimals."""
    return str(to_amount(units, currency_exponents()[currency]))


@dataclass(frozen=True)
class OrderCreated(Event):
    """An order was placed and paid.

    - An order is announced when its payment has succeeded, or at once where nothing is due; one that fails is not.
    - `customer_id` is the server's UUID of the customer; `customer.customer_id` is your own id.
    - `subscription_id` is what was bought: the `id` that a charge answers with, or a subscription.
    - `features` lists the quantities that were bought, as `identifier` and `quantity`; null where there are none.
    """

    type: ClassVar[str] = "order.created"
    whole: WholeOrder
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane bought something."""
        return cls(EXAMPLE, _ACME)

    @property
    def customer_id(self) -> UUID:
        """The buyer."""
        return self.whole.order.customer_id

    def data(self) -> dict[str, Any]:
        """Return the order as the guide shows it."""
        order, product, version = self.whole.order, self.whole.product, self.whole.version
        features = None
        if order.features:
            features = [{"identifier": each.identifier, "quantity": each.quantity} for each in order.features]
        return {
            "object": {
                "id": order.id,
                "object": "order",
                "status": order.status,
                "billing_type": order.billing_type,
                "customer_id": str(order.customer_id),
                "customer": customer_object(order.buyer),
                "organization": str(self.organization),
                "is_renewal": order.is_renewal,
                "paid_at": webhook_instant(order.paid_at),
                "amount_total": amount_text(order.total_units, order.currency),
                "amount_total_units": order.total_units,
                "currency": order.currency,
                "subscription_id": str(order.subscription_id),
                "product": {"id": str(product.id), "name": product.name},
                "plan": {"name": version.name, "version": version.version, "identifier": version.identifier},
                "features": features,
                "created_on": webhook_instant(order.created_at),
                "modified_on": webhook_instant(order.modified_at),
            }
        }


@dataclass(frozen=True)
class OrderUpdated(OrderCreated):
    """An order's status changed: it was paid, or money of it was given back.

    - `previous_attributes` holds the status as it was; of an order that was paid just now, `PENDING`.
    """

    type: ClassVar[str] = "order.updated"
    previous_status: OrderStatus = OrderStatus.COMPLETE

    @classmethod
    def example(cls) -> Self:
        """Return that Jane got part of her money back."""
        return cls(_changed(OrderStatus.PARTIAL_REFUND), _ACME, OrderStatus.COMPLETE)

    def data(self) -> dict[str, Any]:
        """Return the order, and its status before."""
        return {**super().data(), "previous_attributes": {"status": self.previous_status}}


@dataclass(frozen=True)
class OrderRefunded(OrderUpdated):
    """Money of an order was given back: all of it (`REFUNDED`), or some (`PARTIAL_REFUND`).

    - How much it was is told by `refund.created` and `refund.updated`.
    - `previous_attributes` holds the status as it was.
    """

    type: ClassVar[str] = "order.refunded"

    @classmethod
    def example(cls) -> Self:
        """Return that Jane got all of her money back."""
        return cls(_changed(OrderStatus.REFUNDED), _ACME, OrderStatus.COMPLETE)


@dataclass(frozen=True)
class InvoiceCreated(Event):
    """An invoice was issued.

    - `order_id` is the order that it is the invoice of; null where it only adds to the customer's credit.
    - `amount_total` is negative where it does.
    - `payment_link` is the page on which its customer can pay it while it is owed; null of one that is paid.
    """

    type: ClassVar[str] = "invoice.created"
    invoice: Invoice
    buyer: BilledCustomer
    product: Product
    organization: UUID | None
    payment_link: str | None = None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane got an invoice."""
        return cls(_INVOICE, _JANE, _PRODUCT, _ACME)

    @property
    def customer_id(self) -> UUID:
        """The buyer."""
        return self.invoice.customer_id

    def data(self) -> dict[str, Any]:
        """Return the invoice as it is when it is issued: not paid yet."""
        return {"object": self._object(InvoiceStatus.OPEN, None, self.invoice.opened_at)}

    def _object(self, status: InvoiceStatus, paid_at: datetime | None, modified_at: datetime | None) -> dict[str, Any]:
        invoice, product = self.invoice, self.product
        return {
            "id": invoice.id,
            "object": "invoice",
            "status": status,
            "paid_at": webhook_instant(paid_at),
            "amount_total": amount_text(invoice.total_units, invoice.currency),
            "amount_total_units": invoice.total_units,
            "currency": invoice.currency,
            "due_date": None,
            "order_id": invoice.order_id,
            "customer_id": str(invoice.customer_id),
            "customer": customer_object(self.buyer),
            "subscription_id": str(invoice.subscription_id),
            "organization": str(self.organization),
            "product": {"id": str(product.id), "name": product.name},
            "payment_link": self.payment_link,
            "created_on": webhook_instant(invoice.created_at),
            "modified_on": webhook_instant(modified_at),
        }


@dataclass(frozen=True)
class InvoicePaid(InvoiceCreated):
    """An invoice was paid, by the customer's payment method or by their credit.

    - `previous_attributes` holds `status` and `paid_at` as they were.
    """

    type: ClassVar[str] = "invoice.paid"
    previous_status: InvoiceStatus = InvoiceStatus.OPEN

    def data(self) -> dict[str, Any]:
        """Return the invoice as it is, and what it was before."""
        return {
            "object": self._object(self.invoice.status, self.invoice.paid_at, self.invoice.modified_at),
            "previous_attributes": {"status": self.previous_status, "paid_at": None},
        }


@dataclass(frozen=True)
class InvoicePaymentFailed(InvoiceCreated):
    """An invoice of a subscription could not be paid, or its customer has to do something first.

    - `status` is `PAYMENT_FAILED`, or still `OPEN` where the customer has to authenticate the payment.
    - `invoice.paid` may follow: cards are tried again, up to eight times in fourteen days.
    """

    type: ClassVar[str] = "invoice.payment_failed"

    @classmethod
    def example(cls) -> Self:
        """Return that Jane's card was declined."""
        return cls(replace(_INVOICE, status=InvoiceStatus.PAYMENT_FAILED, paid_at=None), _JANE, _PRODUCT, _ACME)

    def data(self) -> dict[str, Any]:
        """Return the invoice as it is."""
        return {"object": self._object(self.invoice.status, None, self.invoice.modified_at)}


def _changed(status: OrderStatus) -> WholeOrder:
    return replace(EXAMPLE, order=replace(_ORDER, status=status))
