"""What may happen to a customer."""

import json
from collections.abc import Mapping
from typing import Any

from kelviq_server.customers.errors import CustomerHasSubscription
from kelviq_server.customers.records import Customer, CustomerEdit, NewCustomer
from kelviq_server.platform.json_body import dump, parse

_TEXTS, _OBJECTS = ("name", "email"), ("metadata", "billing_address", "details")


def edit(customer: Customer, sent: Mapping[str, Any]) -> CustomerEdit | None:
    """Return what the sent fields change, or None when everything is so already.

    A field that was not sent keeps its value; metadata and address are replaced whole, unless they only have
    their keys in another order.
    """
    before = {name: getattr(customer, name) for name in (*_TEXTS, *_OBJECTS)}
    after = {name: sent.get(name, value) for name, value in before.items()}
    previous = {name: before[name] for name in _TEXTS if after[name] != before[name]}
    previous |= {name: before[name] for name in _OBJECTS if _meaning(after[name]) != _meaning(before[name])}
    return CustomerEdit(**after, previous=previous) if previous else None


def is_made_from(customer: Customer, new: NewCustomer) -> bool:
    """Say whether the customer is what would be made from this, so that making it again changes nothing.

    The order of keys says nothing, and neither does an empty text: a spreadsheet cannot tell it from none.
    """
    return (
        (customer.name or None) == (new.name or None)
        and customer.email == new.email
        and (customer.metadata == new.metadata or _meaning(customer.metadata) == _meaning(new.metadata))
        and customer.tax_id == new.tax_id
        and _filled(customer.billing_address) == _filled(new.billing_address)
    )


def country_after(customer: Customer, sent: Mapping[str, Any]) -> str | None:
    """Return the code of the country in which the customer is with what was sent, if any."""
    address = sent.get("billing_address", customer.billing_address)
    return None if address is None else json.loads(address).get("country")


def details_with(details: str, tax_id: str | None) -> str:
    """Return a customer's details with this tax id, or without any."""
    others = {name: value for name, value in parse(details.encode()).items() if name != "taxId"}
    return dump(others if tax_id is None else {**others, "taxId": tax_id})


def _filled(address: str | None) -> dict[str, str]:
    given: dict[str, str] = _meaning(address) or {}
    return {name: value for name, value in given.items() if value}


def _meaning(text: str | None) -> Any:
    # Numbers as their digits, in a tuple that nothing else comes out as: 1 is neither true, "1" nor 1.0.
    return None if text is None else json.loads(text, parse_int=_digits, parse_float=_digits)


def _digits(number: str) -> tuple[str]:
    return (number,)


def refuse_archiving(customer: Customer) -> None:
    """Raise CustomerHasSubscription while the customer pays for something."""
    if customer.active_subscriptions:
        raise CustomerHasSubscription
