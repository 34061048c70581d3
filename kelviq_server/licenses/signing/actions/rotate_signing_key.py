"""Sign with another key from some time on."""

from collections.abc import Sequence
from datetime import timedelta

from kelviq_server.licenses.signing import steps, store
from kelviq_server.licenses.signing.records import SigningKey
from kelviq_server.platform.database import Tenant, transaction


async def rotate_signing_key(tenant: Tenant, days: int) -> Sequence[SigningKey]:
    """Return the tenant's signing keys, with a new one that signs in so many days.

    Applications that come with it have to be where they run before it does. What older ones signed still holds.
    """
    async with transaction(tenant) as tx:
        await tx.alone_with("license signing keys")
        if days and not await store.list_signing_keys(tx):
            await steps.add_signing_key(tx, tx.now)
        await steps.add_signing_key(tx, tx.now + timedelta(days=days))
        return await store.list_signing_keys(tx)
