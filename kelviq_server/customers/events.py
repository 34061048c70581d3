"""What happened to a customer, as the public webhook guide writes it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from kelviq_server.core.events import Event
from kelviq_server.customers.records import Customer
from kelviq_server.platform.json_body import parse

# What the wire calls a column; those of the address turn to snake_case in webhooks.
_ADDRESS_KEYS = {"postalCode": "postal_code"}
_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


def _address(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    given = {_ADDRESS_KEYS.get(name, name): value for name, value in parse(text.encode()).items()}
    return {name: given.get(name) for name in _ADDRESS}


def _previous(name: str, value: str | None) -> Any:
    if name == "billing_address":
        return _address(value)
    if name == "metadata":
        return _free_form(value)
    return value


def _free_form(text: str | None) -> Any:
    # Read as the body was, so that every number keeps its digits.
    return None if text is None else parse(text.encode())


def _webhook_instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class CustomerCreated(Event):
    """A customer was created."""

    type: ClassVar[str] = "customer.created"
    customer: Customer
    organization: UUID | None

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
                "billing_address": _address(customer.billing_address),
                "subscriptions": customer.active_subscriptions,
                "organization": str(self.organization),
                "created_on": _webhook_instant(customer.created_at),
                "modified_on": _webhook_instant(customer.modified_at),
            }
        }


@dataclass(frozen=True)
class CustomerUpdated(CustomerCreated):
    """A customer's name, e-mail, metadata or billing address changed."""

    type: ClassVar[str] = "customer.updated"
    previous: dict[str, str | None] = field(default_factory=dict[str, str | None])

    def data(self) -> dict[str, Any]:
        """Return the customer, and what the changed fields were before."""
        before = {name: _previous(name, value) for name, value in self.previous.items()}
        return {**super().data(), "previous_attributes": before}
