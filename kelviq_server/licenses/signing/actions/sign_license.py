"""Sign what an application may rely on without a network."""

from uuid import UUID

from kelviq_server.licenses import steps as licenses
from kelviq_server.licenses.errors import InstanceUnknown
from kelviq_server.licenses.signing import rules, steps
from kelviq_server.licenses.signing.actions.show_signing_keys import show_signing_keys
from kelviq_server.licenses.signing.records import SignedLicense
from kelviq_server.platform.database import Tenant, reading


async def sign_license(tenant: Tenant, key: str, instance_id: UUID, days: int) -> SignedLicense:
    """Return a document that says that a licence is active there, for so many days at the most.

    Raises InstanceUnknown, LicenseDisabled, LicenseExpired.
    """
    async with reading(tenant) as tx:
        whole = await licenses.find_seen(tx, key, instance_id)
    if whole is None:
        raise InstanceUnknown
    until = rules.signed_until(whole, days)
    [newest, *_] = await show_signing_keys(tenant)
    return steps.signed(whole, until, newest)
