"""What may happen to a customer."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.core.search import folded_fields
from kelviq_server.customers.errors import CustomerHasSubscription
from kelviq_server.customers.records import Customer, CustomerEdit, NewCustomer

_EDITABLE = ("name", "email", "metadata", "billing_address")


def edit(customer: Customer, sent: Mapping[str, Any]) -> CustomerEdit | None:
    """Return what the sent fields change, or None when everything is so already.

    A field that was not sent keeps its value; metadata and address are replaced whole.
    """
    before = {name: getattr(customer, name) for name in _EDITABLE}
    after = {name: sent.get(name, value) for name, value in before.items()}
    previous = {name: value for name, value in before.items() if after[name] != value}
    return CustomerEdit(**after, previous=previous) if previous else None


def refuse_archiving(customer: Customer) -> None:
    """Raise CustomerHasSubscription while the customer pays for something."""
    if customer.active_subscriptions:
        raise CustomerHasSubscription


def searched_text(customer: NewCustomer | Customer | CustomerEdit, external_id: str) -> str:
    """Return what a search looks at: the customer's name, e-mail and id."""
    return folded_fields(external_id, customer.name, customer.email)
