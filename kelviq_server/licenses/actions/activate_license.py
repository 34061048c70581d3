"""Let a licence be active on one more machine."""

from dataclasses import replace

from kelviq_server.entitlements.license_keys import steps as keys
from kelviq_server.licenses import rules, store
from kelviq_server.licenses.events import LicenseActivated
from kelviq_server.licenses.records import NewInstance, WholeLicense
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import new_id


async def activate_license(tenant: Tenant, new: NewInstance) -> WholeLicense:
    """Return the licence with the instance that was made; of many at once no more succeed than the limit allows.

    Raises LicenseUnknown, LicenseDisabled, LicenseExpired, LimitReached.
    """
    async with transaction(tenant) as tx:
        # Whoever else activates it waits here, and counts what this one counted.
        locked = await keys.lock_by_key(tx, new.key)
        whole = None if locked is None else await store.get_whole(tx, locked.id)
        whole = rules.refuse_activation(whole, new)
        license = rules.refuse_more(whole.license)
        instance = await store.insert_instance(tx, license.id, new_id(tx.now), new)
        counted = replace(
            license,
            activation_usage=license.activation_usage + 1,
            activated_at=license.activated_at or tx.now,
        )
        after = await keys.update_license(tx, counted)
        tx.announce(LicenseActivated(after, await keys.holder_of(tx, after), tx.tenant.organization, instance))
        return replace(whole, license=after, instance=instance)
