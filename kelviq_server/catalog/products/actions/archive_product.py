"""Archive a product."""

from uuid import UUID

from kelviq_server.catalog.products import rules, store
from kelviq_server.platform.database import Tenant, transaction


async def archive_product(tenant: Tenant, id: UUID) -> None:
    """Take the product and its plans out of every list; who bought one keeps it. Raises ProductArchived."""
    async with transaction(tenant) as tx:
        rules.refuse_archived(await store.lock_product(tx, id))
        await store.update_archived(tx, id)
