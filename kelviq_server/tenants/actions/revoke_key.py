"""Revoke a key, at once and in every process."""

from uuid import UUID

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.tenants import store


async def revoke_key(id: UUID) -> bool:
    """Say whether there was such a key in force; from the commit on it opens nothing."""
    async with transaction(INSTANCE) as tx:
        hash = await store.update_key_revoked(tx, id)
        if hash is None:
            return False
        await tx.signal("key", hash.hex())
        return True
