"""Give a licence another key."""

from dataclasses import replace
from uuid import UUID

from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.licenses import rules, store
from kelviq_server.licenses.records import WholeLicense
from kelviq_server.platform.database import Tenant, transaction


async def regenerate_license(tenant: Tenant, id: UUID) -> WholeLicense:
    """Return a licence with a new key, active nowhere; nobody can use the old one any more.

    Raises NotFound, LicenseDisabledForGood.
    """
    async with transaction(tenant) as tx:
        before = rules.changeable(await keys.lock_license(tx, id))
        await store.delete_instances(tx, id)
        await keys.change(tx, before, replace(before, key=keys.new_key(), activation_usage=0))
        return await store.get_whole(tx, id)
