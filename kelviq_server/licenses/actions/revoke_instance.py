"""Take a licence away from one machine."""

from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.licenses import steps
from kelviq_server.platform.database import Tenant, transaction


async def revoke_instance(tenant: Tenant, id: UUID, instance_id: UUID) -> None:
    """Let a licence be active there no longer; raises NotFound."""
    async with transaction(tenant) as tx:
        locked = await keys.lock_license(tx, id)
        if not await steps.remove_instance(tx, locked, instance_id):
            raise NotFound
