"""Disable a licence, for good."""

from dataclasses import replace
from uuid import UUID

from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.licenses import store
from kelviq_server.licenses.records import WholeLicense
from kelviq_server.platform.database import Tenant, transaction


async def disable_license(tenant: Tenant, id: UUID) -> WholeLicense:
    """Return a licence that nobody can use any more, anywhere; again, that changes nothing. Raises NotFound."""
    async with transaction(tenant) as tx:
        before = await keys.lock_license(tx, id)
        await keys.change(tx, before, replace(before, enabled=False))
        return await store.get_whole(tx, id)
