"""Change a customer's name, e-mail, metadata, billing address or tax id."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.customers import rules, store
from kelviq_server.customers.events import CustomerUpdated
from kelviq_server.customers.records import Customer
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.taxes import steps as taxes


async def update_customer(tenant: Tenant, external_id: str, sent: Mapping[str, Any]) -> Customer:
    """Return the customer with the sent fields, by column, as they now are; nothing new changes nothing.

    Raises NotFound, or InvalidFields for a tax id that is none.
    """
    async with transaction(tenant) as tx:
        customer = await store.lock_customer(tx, external_id)
        edit = rules.edit(customer, _with_details(customer, sent))
        if edit is None:
            return customer
        changed = await store.update_customer(tx, customer, edit)
        tx.announce(CustomerUpdated(changed, tenant.organization, edit.previous))
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
