"""Take subscriptions of which something is due."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.cycles import store

# For so long, in machine time, nobody else takes them: longer than a gateway may take to answer.
LEASE = timedelta(seconds=60)


async def take_due(tenant: Tenant, limit: int) -> Sequence[UUID]:
    """Return records of which something is due by the tenant's clock, the earliest first; nobody else has them."""
    async with transaction(tenant) as tx:
        return await store.lock_due(tx, limit, LEASE)
