"""Change what a tenant says about itself."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.tenants import rules, store
from kelviq_server.tenants.records import Seller


async def update_seller(tenant: Tenant, sent: Mapping[str, Any]) -> Seller:
    """Return the seller with the sent fields as it now is; what was issued before keeps what it said then."""
    async with transaction(tenant) as tx:
        seller = rules.edited(await store.lock_seller(tx), sent)
        await store.update_seller(tx, seller)
        return seller
