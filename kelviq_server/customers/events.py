"""What happened to a customer, as the public webhook guide writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.customers.records import Customer, CustomerSummary
from kelviq_server.platform.json_body import parse

# What the wire calls a column; those of the address turn to snake_case in webhooks.
_ADDRESS_KEYS = {"postalCode": "postal_code"}
_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")

_JANE = Customer(
    id=UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"),
    seq=1,
    external_id="unique-customer-id-123",
    name="Jane Doe",
    email="jane@example.com",
    details="{}",
    metadata='{"source": "sdk_import"}',
    billing_address='{"line1": "123 Main Street", "city": "Bangalore", "state": "Karnataka",'
    ' "postalCode": "560001", "country": "IN"}',
    active_subscriptions=0,
    created_at=datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC),
    modified_at=datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC),
    document="",
)
_ACME = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")


def _address(address: Mapping[str, Any] | None) -> dict[str, Any]:
    if address is None:
        return {}
    given = {_ADDRESS_KEYS.get(name, name): value for name, value in address.items()}
    return {name: given.get(name) for name in _ADDRESS}


def _previous(name: str, value: str | None) -> Any:
    if name == "billing_address":
        return _address(_free_form(value))
    if name in ("metadata", "details"):
        return _free_form(value)
    return value


def _free_form(text: str | None) -> Any:
    # Read as the body was, so that every number keeps its digits.
    return None if text is None else parse(text.encode())


def customer_object(customer: CustomerSummary) -> dict[str, Any]:
    """Return a customer as it stands inside other objects."""
    return {
        "id": str(customer.id),
        "name": customer.name,
        "email": customer.email,
        "customer_id": customer.external_id,
        "billing_address": _address(customer.billing_address),
    }


@dataclass(frozen=True)
class CustomerCreated(Event):
    """A customer was created.

    - `billing_address` is `{}` without an address, otherwise all its six fields, null where not given.
    - `subscriptions` is the number of active subscriptions.
    """

    type: ClassVar[str] = "customer.created"
    customer: Customer
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane was created."""
        return cls(_JANE, _ACME)

    @property
    def customer_id(self) -> UUID:
        """The customer's."""
        return self.customer.id

    def data(self) -> dict[str, Any]:
        """Return the customer."""
        customer = self.customer
        return {
            "object": {
                "id": str(customer.id),
                "object": "customer",
                "customer_id": customer.external_id,
                "name": customer.name,
                "email": customer.email,
                "details": _free_form(customer.details),
                "metadata": _free_form(customer.metadata),
                "billing_address": _address(_free_form(customer.billing_address)),
                "subscriptions": customer.active_subscriptions,
                "organization": str(self.organization),
                "created_on": webhook_instant(customer.created_at),
                "modified_on": webhook_instant(customer.modified_at),
            }
        }


@dataclass(frozen=True)
class CustomerUpdated(CustomerCreated):
    """A customer's name, e-mail, metadata, billing address or tax id changed.

    An update that changes nothing announces nothing, and neither does archiving.

    - `object` is the customer as it now is, with the fields of `customer.created`.
    - `previous_attributes` holds what changed, and only that, as it was before: `name`, `email`, `metadata`,
      `billing_address` or, with a tax id, `details`.
    """

    type: ClassVar[str] = "customer.updated"
    previous: dict[str, str | None] = field(default_factory=dict[str, str | None])

    @classmethod
    def example(cls) -> Self:
        """Return that Jane, who has no address, is now called Johnathan."""
        later = datetime(2025, 6, 5, 10, tzinfo=UTC)
        changed = replace(_JANE, name="Johnathan Doe", billing_address=None, modified_at=later)
        return cls(changed, _ACME, {"name": _JANE.name})

    def data(self) -> dict[str, Any]:
        """Return the customer, and what the changed fields were before."""
        before = {name: _previous(name, value) for name, value in self.previous.items()}
        return {**super().data(), "previous_attributes": before}
