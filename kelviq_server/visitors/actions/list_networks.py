"""Look at what is known of networks."""

from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.visitors import store
from kelviq_server.visitors.records import Imported


async def list_networks() -> list[Imported]:
    """Return how many ranges of each kind are known."""
    async with reading(INSTANCE) as tx:
        return await store.list_imported(tx)
