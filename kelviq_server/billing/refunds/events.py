"""What happened to refunds, as the public webhook guide writes it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.billing.orders.events import EXAMPLE, amount_text
from kelviq_server.billing.orders.records import Order
from kelviq_server.billing.refunds.records import Refund, RefundReason, RefundStatus
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.customers.events import customer_object

_ACME = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")
_AT = datetime(2025, 6, 5, 10, tzinfo=UTC)
_REFUND = Refund(
    id=UUID("01973a11-4f0e-7a72-9d36-870787df3026"),
    order_id=EXAMPLE.order.id,
    customer_id=EXAMPLE.order.customer_id,
    amount_units=250,
    reason=RefundReason.REQUESTED_BY_CUSTOMER,
    internal_note=None,
    status=RefundStatus.PROCESSING,
    failure_reason=None,
    created_at=_AT,
    modified_at=_AT,
)


@dataclass(frozen=True)
class RefundCreated(Event):
    """A refund is on its way; how it ends is told by `refund.updated`."""

    type: ClassVar[str] = "refund.created"
    refund: Refund
    order: Order
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane is to get some money back."""
        return cls(_REFUND, EXAMPLE.order, _ACME)

    @property
    def customer_id(self) -> UUID:
        """The buyer."""
        return self.refund.customer_id

    def data(self) -> dict[str, Any]:
        """Return the refund as the guide shows it."""
        refund, order = self.refund, self.order
        return {
            "object": {
                "id": str(refund.id),
                "object": "refund",
                "status": refund.status,
                "amount": amount_text(refund.amount_units, order.currency),
                "amount_units": refund.amount_units,
                "currency": order.currency,
                "reason": refund.reason,
                "order_id": refund.order_id,
                "customer": customer_object(order.buyer),
                "subscription_id": str(order.subscription_id),
                "organization": str(self.organization),
                "created_on": webhook_instant(refund.created_at),
                "modified_on": webhook_instant(refund.modified_at),
            }
        }


@dataclass(frozen=True)
class RefundUpdated(RefundCreated):
    """A refund succeeded, or failed."""

    type: ClassVar[str] = "refund.updated"

    @classmethod
    def example(cls) -> Self:
        """Return that Jane got some money back."""
        return cls(replace(_REFUND, status=RefundStatus.SUCCEEDED), EXAMPLE.order, _ACME)
