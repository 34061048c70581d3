"""Show a discount."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.promotions.discounts import store
from kelviq_server.promotions.discounts.records import Discount


async def show_discount(tenant: Tenant, id: UUID) -> Discount:
    """Return a discount as it stands by the tenant's clock, which only a transaction reads; raises NotFound."""
    async with transaction(tenant) as tx:
        return await store.get_discount(tx, id)
