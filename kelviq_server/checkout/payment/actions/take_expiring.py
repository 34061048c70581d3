"""Take sessions that are over."""

from collections.abc import Sequence
from datetime import timedelta

from kelviq_server.checkout.sessions import store
from kelviq_server.platform.database import Tenant, transaction

# For so long, in machine time, nobody else takes them: longer than a gateway may take to answer.
LEASE = timedelta(seconds=60)


async def take_expiring(tenant: Tenant, limit: int) -> Sequence[str]:
    """Return sessions whose time has come by the tenant's clock, the earliest first; nobody else has them."""
    async with transaction(tenant) as tx:
        return await store.lock_due(tx, limit, LEASE)
