"""Change a customer's name, e-mail, metadata, billing address or tax id."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.customers import steps, store
from kelviq_server.customers.records import Customer
from kelviq_server.platform.database import Tenant, transaction


async def update_customer(tenant: Tenant, external_id: str, sent: Mapping[str, Any]) -> Customer:
    """Return the customer with the sent fields, by column, as they now are; nothing new changes nothing.

    Raises NotFound, or InvalidFields for a tax id that is none.
    """
    async with transaction(tenant) as tx:
        return await steps.change_customer(tx, await store.lock_customer(tx, external_id), sent)
