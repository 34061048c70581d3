"""Leave subscriptions that were taken, since time was too short for them."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.cycles import store


async def leave_due(tenant: Tenant, ids: Sequence[UUID]) -> None:
    """Leave records to whoever comes next."""
    async with transaction(tenant) as tx:
        await store.update_released(tx, *ids)
