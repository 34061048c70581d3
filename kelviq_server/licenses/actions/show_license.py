"""Look at a licence."""

from uuid import UUID

from kelviq_server.licenses import store
from kelviq_server.licenses.records import Instance, WholeLicense
from kelviq_server.platform.database import Tenant, transaction


async def show_license(tenant: Tenant, id: UUID) -> tuple[WholeLicense, list[Instance]]:
    """Return a licence, and where it is active; raises NotFound."""
    async with transaction(tenant) as tx:
        return await store.get_whole(tx, id), await store.list_instances(tx, id)
