"""Let a partner in no more, at once and in every process."""

from kelviq_server.partner import store
from kelviq_server.platform.database import INSTANCE, transaction


async def revoke_partner(id: int) -> bool:
    """Say whether there was such a partner with a key in force; from the commit on it opens nothing.

    The organizations that it provisioned stay, and so do their keys.
    """
    async with transaction(INSTANCE) as tx:
        hash = await store.update_partner_revoked(tx, id)
        if hash is None:
            return False
        await tx.signal("partner_key", hash.hex())
        return True
