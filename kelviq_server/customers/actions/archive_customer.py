"""Archive a customer."""

from kelviq_server.customers import rules, store
from kelviq_server.platform.database import Tenant, transaction


async def archive_customer(tenant: Tenant, external_id: str) -> None:
    """Take the customer out of every list; the id stays taken. Raises CustomerHasSubscription."""
    async with transaction(tenant) as tx:
        customer = await store.lock_customer(tx, external_id)
        rules.refuse_archiving(customer)
        await store.update_archived(tx, customer)
