"""Keep the tally of customers short."""

from kelviq_server.customers import store
from kelviq_server.platform.database import INSTANCE, transaction


async def fold_tallies() -> None:
    """Add up the rows of blocks that no new customer falls into: one row is enough where no writers meet."""
    async with transaction(INSTANCE) as tx:
        await store.fold_tallies(tx)
