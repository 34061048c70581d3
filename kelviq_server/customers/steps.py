"""What other modules may borrow of customers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.customers import rules, store
from kelviq_server.customers.events import CustomerCreated, CustomerUpdated
from kelviq_server.customers.records import Customer, CustomerSummary, NewCustomer
from kelviq_server.customers.store import (
    find_customer,
    has_customer,
    list_by_id,
    lock_by_id,
    lock_customer,
    lock_known,
    lock_shared,
)
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import parse
from kelviq_server.taxes import steps as taxes
from kelviq_server.taxes.records import Buyer

__all__ = [
    "add_customer",
    "buyer_of",
    "change_customer",
    "count_subscription",
    "find_customer",
    "find_customer_id",
    "has_customer",
    "list_by_id",
    "lock_by_id",
    "lock_customer",
    "lock_known",
    "lock_shared",
    "summary_of",
]


def summary_of(customer: Customer) -> CustomerSummary:
    """Return who a customer is, as other things show and keep it."""
    address = None if customer.billing_address is None else parse(customer.billing_address.encode())
    return CustomerSummary(customer.id, customer.external_id, customer.name, customer.email, address)


async def count_subscription(tx: Tx, customer_id: UUID, change: int) -> None:
    """Note that an active subscription began (+1) or ended (-1); a customer who has one cannot be archived."""
    await store.update_active_subscriptions(tx, customer_id, change)


async def find_customer_id(tx: Tx, external_id: str) -> UUID | None:
    """Return our id of the customer whom the merchant calls so, an archived one too."""
    return await store.find_id(tx, external_id)


async def add_customer(tx: Tx, new: NewCustomer) -> Customer | None:
    """Write a customer, tell it and return them; None where the id was ever used, by an archived one too."""
    created = await store.insert_customers(tx, [new])
    if not created:
        return None
    tx.announce(CustomerCreated(created[0], tx.tenant.organization))
    return created[0]


async def change_customer(tx: Tx, customer: Customer, sent: Mapping[str, Any]) -> Customer:
    """Return a locked customer with the sent fields, by column, as they now are; nothing new changes nothing.

    Raises InvalidFields for a tax id that is none.
    """
    edit = rules.edit(customer, _with_details(customer, sent))
    if edit is None:
        return customer
    changed = await store.update_customer(tx, customer, edit)
    tx.announce(CustomerUpdated(changed, tx.tenant.organization, edit.previous))
    return changed


def _with_details(customer: Customer, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what was sent with the details that it makes: a tax id is one of the country that the customer is in."""
    country = rules.country_after(customer, sent)
    if typed := sent.get("tax_id"):
        tax_id = taxes.checked_tax_id(typed, country)
    elif "tax_id" in sent or _has_moved_from_tax_id(customer, country):
        tax_id = None
    else:
        return sent
    return {**sent, "details": rules.details_with(customer.details, tax_id)}


def _has_moved_from_tax_id(customer: Customer, country: str | None) -> bool:
    tax_id = customer.tax_id
    return tax_id is not None and country != customer.country and taxes.business_tax_id(tax_id, country) is None


def buyer_of(customer: Customer) -> Buyer:
    """Return what decides about a customer's tax."""
    return Buyer(customer.country, customer.state, customer.tax_id)
