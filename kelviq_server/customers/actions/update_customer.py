"""Change a customer's name, e-mail, metadata or billing address."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.customers import rules, store
from kelviq_server.customers.events import CustomerUpdated
from kelviq_server.customers.records import Customer
from kelviq_server.platform.database import Tenant, transaction


async def update_customer(tenant: Tenant, external_id: str, sent: Mapping[str, Any]) -> Customer:
    """Return the customer with the sent fields, by column, as they now are; nothing new changes nothing."""
    async with transaction(tenant) as tx:
        customer = await store.lock_customer(tx, external_id)
        edit = rules.edit(customer, sent)
        if edit is None:
            return customer
        changed = await store.update_customer(tx, customer, edit)
        tx.announce(CustomerUpdated(changed, tenant.organization, edit.previous))
        return changed
