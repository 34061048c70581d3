"""Look at what licences are signed with."""

from collections.abc import Sequence

from kelviq_server.licenses.signing import steps, store
from kelviq_server.licenses.signing.records import SigningKey
from kelviq_server.platform.database import Tenant, transaction


async def show_signing_keys(tenant: Tenant) -> Sequence[SigningKey]:
    """Return the tenant's signing keys, the one that signs first; who asks for the first time makes one."""
    async with transaction(tenant) as tx:
        if found := await store.list_signing_keys(tx):
            return found
    async with transaction(tenant) as tx:
        await tx.alone_with("license signing keys")
        if not (found := await store.list_signing_keys(tx)):
            found = [await steps.add_signing_key(tx, tx.now)]
        return found
