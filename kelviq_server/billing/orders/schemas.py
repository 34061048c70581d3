"""Orders and their timelines as the wire spells them."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_symbol
from pydantic import Field

from kelviq_server.billing.orders.records import (
    BillingType,
    EventStatus,
    OrderEvent,
    OrderStatus,
    PaidWith,
    WholeOrder,
)
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.products import steps as products
from kelviq_server.core.money import to_amount
from kelviq_server.entitlements.license_keys import steps as licenses
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.operations import API_PATH
from kelviq_server.platform.values import BillingAddress, currency_exponents
from kelviq_server.platform.wire import Answer, wire_instant

_ABSENT: Any = None


class OrderCustomer(Answer):
    """Who bought."""

    customer_id: str = Field(description="Your own id of the customer.")
    name: str | None
    email: str | None = Field(json_schema_extra={"format": "email"})


class OrderPaymentMethod(Answer):
    """What it was paid with."""

    payment_method_type: str
    payment_method_name: str | None
    last4: str | None


class OrderSubscriptionSummary(Answer):
    """The subscription that an order is for; empty where there is none."""

    id: UUID = _ABSENT
    status: str = _ABSENT
    amount: str | None = Field(_ABSENT, description="What a period costs, before discounts and taxes.")
    currency: str | None = _ABSENT
    interval: str = Field(_ABSENT, examples=["month"])
    currency_symbol: str = _ABSENT
    next_invoice_date: datetime | None = Field(_ABSENT, description="When it is charged next; null where it is not.")


class OrderResponse(Answer):
    """An order. Those whose payment is still on its way are not shown."""

    id: str = Field(description="The order's id.", examples=["ORD-20260729103000-AB3K9"])
    customer: OrderCustomer = Field(description="The customer as they were when they bought.")
    product: products.ProductAnswer = Field(description="The product, as the catalog has it.")
    status: OrderStatus
    paid_at: datetime | None = Field(description="When it was paid, if it was.")
    amount_subtotal: str | None = Field(description="What the prices come to, before discounts.")
    amount_discount: str = Field(description="What discounts take off.")
    amount_tax: str | None = Field(description="The tax.")
    amount_total: str | None = Field(description="What it comes to.")
    amount_credit: str = Field(description="What of that the customer's credit pays.")
    sale_currency: str
    amount_subtotal_units: int | None
    amount_discount_units: int
    amount_tax_units: int | None
    amount_total_units: int | None
    amount_credit_units: int
    refunded_total_units: int = Field(description="What was given back.")
    sale_currency_symbol: str = Field(examples=["$"])
    billing_address: BillingAddress | None = Field(description="The customer's address when they bought.")
    plan: plans.CatalogPlan = Field(description="The version of the plan that was bought.")
    billing_type: BillingType | None
    license: list[licenses.LicenseAnswer] = Field(description="Licences that came with it.")
    is_trial: bool
    is_renewal: bool
    subscription: OrderSubscriptionSummary = Field(
        description="The subscription that it is for; empty of a one-time purchase."
    )
    charge_id: UUID | None = Field(description="Of a one-time purchase: the `id` that the charge answered with.")
    invoice_id: str | None = Field(description="Its invoice; null where none was issued.")
    custom_fields_data: dict[str, Any]
    payment_method: OrderPaymentMethod | None = Field(description="What it was paid with, if it was.")


class OrderListResponse(ListAnswer):
    """One page of the orders, the newest paid first."""

    results: list[OrderResponse] = Field(description="The orders of this page.")


class OrderEventResponse(Answer):
    """Something that happened to an order."""

    id: int
    order: str = Field(description="The order that it happened to.")
    title: str
    code: str = Field(description="What happened, for programs.", examples=["order.completed"])
    status: EventStatus
    timestamp: datetime
    metadata: dict[str, Any] = Field(description="Details, which depend on `code`.")


class OrderEventListResponse(ListAnswer):
    """One page of what happened, newest first."""

    results: list[OrderEventResponse] = Field(description="The events of this page.")


@cache
def currency_symbol(currency: str) -> str:
    """Return how people who write English write a currency."""
    return get_currency_symbol(currency, locale="en_US")


def order_answer(whole: WholeOrder, base_url: str) -> dict[str, Any]:
    """Return an order as the API answers with it."""
    order, buyer = whole.order, whole.order.buyer
    is_failed = order.status is OrderStatus.FAILED
    return {
        "id": order.id,
        "customer": {"customerId": buyer.external_id, "name": buyer.name, "email": buyer.email},
        "product": products.product_answer(whole.product, base_url),
        "status": order.status,
        "paidAt": None if order.paid_at is None else wire_instant(order.paid_at),
        **_amounts(whole),
        "refundedTotalUnits": order.refunded_units,
        "saleCurrency": order.currency,
        "saleCurrencySymbol": currency_symbol(order.currency),
        "billingAddress": buyer.billing_address,
        "plan": plans.plan_answer(whole.version, base_url + API_PATH),
        "billingType": order.billing_type,
        "license": [licenses.license_answer(each) for each in whole.licenses],
        "isTrial": order.is_trial,
        "isRenewal": order.is_renewal,
        "subscription": _subscription(whole),
        "chargeId": order.subscription_id if order.billing_type is BillingType.ONE_TIME else None,
        "invoiceId": None if is_failed else order.invoice_id,
        "customFieldsData": order.custom_fields,
        "paymentMethod": None if is_failed else method_answer(order.payment_method),
    }


def _subscription(whole: WholeOrder) -> dict[str, Any]:
    order, subscription = whole.order, whole.subscription
    if subscription is None:
        return {}
    following = subscription.next_invoice_at
    return {
        "id": subscription.id,
        "status": subscription.status,
        "amount": str(to_amount(subscription.amount_units, currency_exponents()[order.currency])),
        "currency": order.currency,
        "interval": subscription.interval,
        "currencySymbol": currency_symbol(order.currency),
        "nextInvoiceDate": None if following is None else wire_instant(following),
    }


def _amounts(whole: WholeOrder) -> dict[str, Any]:
    """Return each amount twice, as text and in minor units."""
    order = whole.order
    units = {
        "amountSubtotal": order.subtotal_units,
        "amountDiscount": order.discount_units,
        "amountTax": order.tax_units,
        "amountTotal": order.total_units,
        "amountCredit": order.credit_units,
    }
    exponent = currency_exponents()[order.currency]
    return {name: str(to_amount(value, exponent)) for name, value in units.items()} | {
        f"{name}Units": value for name, value in units.items()
    }


def method_answer(method: PaidWith | None) -> dict[str, Any] | None:
    """Return what something was paid with, as answers show it."""
    if method is None:
        return None
    return {"paymentMethodType": method.type, "paymentMethodName": method.name, "last4": method.last4}


def event_answer(event: OrderEvent) -> dict[str, Any]:
    """Return an entry of a timeline as the API answers with it."""
    return {
        "id": event.id,
        "order": event.order_id,
        "title": event.title,
        "code": event.code,
        "status": event.status,
        "timestamp": wire_instant(event.happened_at),
        "metadata": event.metadata,
    }
