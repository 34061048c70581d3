"""Let a licence be active on one machine less."""

from datetime import datetime
from uuid import UUID

from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.licenses import steps
from kelviq_server.licenses.errors import InstanceUnknown
from kelviq_server.platform.database import Tenant, transaction


async def deactivate_license(tenant: Tenant, key: str, instance_id: UUID) -> datetime:
    """Return since when the licence with a key is no longer active there; raises InstanceUnknown."""
    async with transaction(tenant) as tx:
        locked = await keys.lock_by_key(tx, key)
        if locked is None or not await steps.remove_instance(tx, locked, instance_id):
            raise InstanceUnknown
        return tx.now
