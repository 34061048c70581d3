"""What an order's timeline says, and how an order keeps what it was paid with."""

from collections.abc import Sequence

from kelviq_server.billing.invoices.records import InvoiceStatus
from kelviq_server.billing.orders.records import Collection, EventStatus, NewOrderEvent, Order, PaidWith
from kelviq_server.core.money import to_amount
from kelviq_server.payments.records import Attempt, Failure, PaymentMethod


def paid_with(method: PaymentMethod) -> PaidWith:
    """Return a payment method as orders keep it: it may be deleted one day."""
    data = method.method_data
    return PaidWith(method.method_type, data.get("brand"), data.get("last4"), data.get("country"))


def stays_open(order: Order, attempt: Attempt, failure: Failure) -> bool:
    """Say whether an order is still owed of which this payment failed. A customer who is there may try another card."""
    if order.collection is Collection.UNTIL_AUTHENTICATED:
        return attempt.is_on_session or failure is Failure.AUTHENTICATION_REQUIRED
    return order.collection is Collection.UNTIL_PAID


def status_of_owed(failure: Failure) -> InvoiceStatus:
    """Return how an invoice stands that is owed: that its customer has to do something is no failure yet."""
    return InvoiceStatus.OPEN if failure is Failure.AUTHENTICATION_REQUIRED else InvoiceStatus.PAYMENT_FAILED


def completed(order: Order, exponent: int) -> Sequence[NewOrderEvent]:
    """Return what is noted when an order is paid."""
    metadata = {"primary": f"+{to_amount(order.due_units, exponent)} {order.currency}"} | _card(order)
    return [
        NewOrderEvent("order.completed", "Order completed", EventStatus.SUCCESS, metadata),
        NewOrderEvent("invoice.paid", "Invoice paid", EventStatus.SUCCESS, {"primary": order.invoice_id}),
    ]


def failed(order: Order, reason: str) -> Sequence[NewOrderEvent]:
    """Return what is noted when an order could not be paid."""
    metadata = {"primary": reason} | _card(order)
    return [NewOrderEvent("order.payment_failed", "Payment failed", EventStatus.FAILED, metadata)]


def refund_noted(order: Order, amount_units: int, exponent: int, failure: str | None) -> Sequence[NewOrderEvent]:
    """Return what is noted when a refund succeeded, or failed."""
    amount = f"-{to_amount(amount_units, exponent)} {order.currency}"
    if failure is None:
        return [NewOrderEvent("order.refunded", "Refund issued", EventStatus.SUCCESS, {"primary": amount})]
    metadata = {"primary": amount, "secondary": failure}
    return [NewOrderEvent("order.refund_failed", "Refund failed", EventStatus.FAILED, metadata)]


def _card(order: Order) -> dict[str, str]:
    method = order.payment_method
    if method is None or method.last4 is None:
        return {}
    return {"secondary": f"{method.type} ending {method.last4}"}
