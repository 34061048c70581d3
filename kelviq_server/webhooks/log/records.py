"""The log: everything announced, in order."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec


class EventType(StrEnum):
    """What merchants can be told about: the types of the public guide, and some of our own."""

    CHECKOUT_COMPLETED = "checkout.completed"
    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_UPDATED = "customer.updated"
    ORDER_CREATED = "order.created"
    ORDER_UPDATED = "order.updated"
    ORDER_REFUNDED = "order.refunded"
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_UPDATED = "subscription.updated"
    SUBSCRIPTION_CANCELLED = "subscription.cancelled"
    SUBSCRIPTION_PLAN_CHANGED = "subscription.plan_changed"
    FEATURE_USAGE_ALERT = "feature.usage_alert"
    INVOICE_CREATED = "invoice.created"
    INVOICE_PAID = "invoice.paid"
    INVOICE_PAYMENT_FAILED = "invoice.payment_failed"
    REFUND_CREATED = "refund.created"
    REFUND_UPDATED = "refund.updated"
    PAYMENT_METHOD_CREATED = "payment_method.created"
    PAYMENT_METHOD_UPDATED = "payment_method.updated"
    PAYMENT_METHOD_DELETED = "payment_method.deleted"
    # Beyond the guide.
    ENTITLEMENT_OVERRIDDEN = "entitlement.overridden"
    ENTITLEMENT_OVERRIDE_REMOVED = "entitlement.override_removed"
    ENTITLEMENT_USAGE_RESET = "entitlement.usage_reset"
    LICENSE_CREATED = "license.created"
    LICENSE_UPDATED = "license.updated"
    LICENSE_ACTIVATED = "license.activated"
    LICENSE_DEACTIVATED = "license.deactivated"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log. `body` is the envelope, word for word as it is sent."""

    id: UUID
    body: msgspec.Raw


@dataclass(frozen=True, slots=True)
class LogPage:
    """A part of the log, oldest first, and whether more came after it."""

    events: list[LoggedEvent]
    has_more: bool
