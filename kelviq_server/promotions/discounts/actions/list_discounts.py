"""List discounts."""

from collections.abc import Sequence

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.listing import Listed
from kelviq_server.platform.paging import Page
from kelviq_server.promotions.discounts import store
from kelviq_server.promotions.discounts.records import Discount, DiscountStatus


async def list_discounts(
    tenant: Tenant, terms: Sequence[str], status: DiscountStatus | None, page: Page
) -> Listed[Discount]:
    """Return a page of the discounts as they stand by the tenant's clock, which only a transaction reads."""
    async with transaction(tenant) as tx:
        return await store.list_discounts(tx, terms, status, page)
