"""Take attempts about which the gateway knows more by now."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import Tenant, transaction


async def take_answering(tenant: Tenant, limit: int) -> Sequence[UUID]:
    """Return the tenant's pending attempts whose answer is due by its clock, in that order."""
    async with transaction(tenant) as tx:
        return await payments.list_answering(tx, limit)
