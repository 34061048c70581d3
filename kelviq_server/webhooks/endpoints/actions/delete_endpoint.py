"""Delete an endpoint."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.webhooks.endpoints import store


async def delete_endpoint(tenant: Tenant, id: UUID) -> None:
    """Tell an endpoint nothing any more, not even what is on its way. Its attempts stay in their list."""
    async with transaction(tenant) as tx:
        await store.lock_endpoint(tx, id)
        await store.update_deleted(tx, id)
