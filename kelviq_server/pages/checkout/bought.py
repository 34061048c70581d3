"""What was bought in a checkout, as its last page shows it."""

from typing import Any

from kelviq_server.billing.orders.records import OrderStatus, WholeOrder
from kelviq_server.checkout.sessions.records import WholeSession
from kelviq_server.pages.amounts import shown_amount
from kelviq_server.pages.deliverables import deliverables
from kelviq_server.subscriptions.life.records import SubscriptionStatus


def bought(session: WholeSession, api_url: str) -> dict[str, Any]:
    """Return what the page is made from. What came with the order is there only while its buyer has it."""
    facts = [("Product", session.product.name)]
    values: dict[str, Any] = {"kind": "good", "heading": "Thank you for your order", "text": [], "facts": facts}
    whole = session.order
    if whole is None:
        return values
    facts += _facts(whole)
    if whole.order.status is OrderStatus.REFUNDED:
        return values | {"kind": "gone", "heading": "This order was refunded"}
    subscription = session.subscription
    if subscription is not None and not subscription.is_in_force:
        was_changed = subscription.status is SubscriptionStatus.SUPERSEDED
        return values | {"text": ["Your plan was changed since." if was_changed else "This has ended since."]}
    if subscription is not None and subscription.status is SubscriptionStatus.TRIALING:
        values["text"] = ["Your free trial has begun."]
    return values | {"came_with": deliverables(whole.version, whole.licenses, session.now, api_url)}


def _facts(whole: WholeOrder) -> list[tuple[str, str]]:
    order = whole.order
    refunded = [("Refunded", shown_amount(order.refunded_units, order.currency))] if order.refunded_units else []
    paid = shown_amount(order.due_units, order.currency)
    return [("Plan", whole.version.name), ("Paid", paid), *refunded, ("Order", order.id)]
