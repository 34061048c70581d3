"""Delete a discount."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.promotions.discounts import rules, store


async def delete_discount(tenant: Tenant, id: UUID) -> None:
    """Take a discount out of every list, and let nobody buy with it any more. Who redeemed it stays on record."""
    async with transaction(tenant) as tx:
        rules.own_discount(await store.lock_discount(tx, id))
        await store.update_deleted(tx, id)
