"""Leave sessions that were taken, since time was too short for them."""

from collections.abc import Sequence

from kelviq_server.checkout.sessions import store
from kelviq_server.platform.database import Tenant, transaction


async def leave_expiring(tenant: Tenant, ids: Sequence[str]) -> None:
    """Leave sessions to whoever comes next."""
    async with transaction(tenant) as tx:
        await store.update_released(tx, ids)
