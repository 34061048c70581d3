"""Delete a promotion."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.promotions.by_country import store


async def delete_promotion(tenant: Tenant, id: UUID) -> None:
    """Take a promotion out of every list, with its codes. Who bought with one keeps what it takes off.

    Raises PromotionUnknown.
    """
    async with transaction(tenant) as tx:
        await store.lock_promotion(tx, id)
        await store.update_deleted(tx, id)
