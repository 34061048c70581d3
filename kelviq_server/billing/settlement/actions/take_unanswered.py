"""Take attempts that are to be asked after."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import INSTANCE, Tenant, transaction
from kelviq_server.tenants import steps as tenants


async def take_unanswered(pause: timedelta, limit: int) -> Sequence[tuple[Tenant, UUID]]:
    """Return pending attempts of all tenants last asked after so long ago; nobody else gets them meanwhile."""
    async with transaction(INSTANCE) as tx:
        found = await payments.lock_unanswered(tx, pause, limit)
        owners = {id: await tenants.get_tenant(tx, id) for id in {each.tenant_id for each in found}}
        return [(owners[each.tenant_id], each.id) for each in found]
