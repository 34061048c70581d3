"""Let a partner in."""

from kelviq_server.partner import store
from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.platform.ids import random_text
from kelviq_server.tenants import steps as tenants


async def create_partner(name: str) -> str:
    """Return the partner's key, readable this once."""
    key = "kvqp_" + random_text()
    async with transaction(INSTANCE) as tx:
        await store.insert_partner(tx, name, tenants.key_hash(key), key[: tenants.SHOWN_CHARACTERS])
    return key
