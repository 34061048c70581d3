"""What happened to a customer's payment methods, as the public webhook guide writes it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.core.events import Event
from kelviq_server.customers.events import customer_object
from kelviq_server.customers.records import CustomerSummary
from kelviq_server.payments.records import MethodStatus, PaymentMethod

_ACME = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")
_JANE = CustomerSummary(
    UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"),
    "unique-customer-id-123",
    "Jane Doe",
    "jane@example.com",
    {"postalCode": "560001", "country": "IN"},
)
_VISA = PaymentMethod(
    id=482,
    gateway="sandbox",
    gateway_method="card_",
    method_type="card",
    method_data={
        "brand": "visa",
        "last4": "4242",
        "expMonth": 12,
        "expYear": 2029,
        "funding": "credit",
        "country": "US",
    },
    is_default=True,
    status=MethodStatus.SUCCEEDED,
    created_at=datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC),
    modified_at=datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC),
    customer=_JANE,
)
# What the wire calls the details of a card; in webhooks they are in snake_case.
_DETAILS = {"expMonth": "exp_month", "expYear": "exp_year"}


@dataclass(frozen=True)
class PaymentMethodCreated(Event):
    """A payment method was saved.

    - `customer_id` is your own id of the customer.
    - `method_data` depends on `method_type`; of a card it is what is shown here.
    """

    type: ClassVar[str] = "payment_method.created"
    method: PaymentMethod
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane saved a card."""
        return cls(_VISA, _ACME)

    @property
    def customer_id(self) -> UUID:
        """Its owner."""
        return self.method.customer.id

    def data(self) -> dict[str, Any]:
        """Return the method as the guide shows it."""
        method = self.method
        return {
            "object": {
                "id": method.id,
                "object": "payment_method",
                "organization": str(self.organization),
                "customer_id": method.customer.external_id,
                "customer": customer_object(method.customer),
                "method_type": method.method_type,
                "method_data": {_DETAILS.get(name, name): value for name, value in method.method_data.items()},
                "is_default": method.is_default,
                "status": method.status,
            }
        }


@dataclass(frozen=True)
class PaymentMethodUpdated(PaymentMethodCreated):
    """A payment method became the customer's default, or is it no longer."""

    type: ClassVar[str] = "payment_method.updated"


@dataclass(frozen=True)
class PaymentMethodDeleted(PaymentMethodCreated):
    """A payment method was deleted."""

    type: ClassVar[str] = "payment_method.deleted"

    @classmethod
    def example(cls) -> Self:
        """Return that Jane deleted a card."""
        return cls(replace(_VISA, is_default=False), _ACME)
