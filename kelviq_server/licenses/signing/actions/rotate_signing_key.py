"""Sign with another key from now on."""

from collections.abc import Sequence

from kelviq_server.licenses.signing import steps, store
from kelviq_server.licenses.signing.records import SigningKey
from kelviq_server.platform.database import Tenant, transaction


async def rotate_signing_key(tenant: Tenant) -> Sequence[SigningKey]:
    """Return the tenant's signing keys, the new one first; what older ones signed can still be checked."""
    async with transaction(tenant) as tx:
        await tx.alone_with("license signing keys")
        await steps.add_signing_key(tx)
        return await store.list_signing_keys(tx)
