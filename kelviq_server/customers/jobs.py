"""What is done about customers from time to time."""

from kelviq_server.customers import store
from kelviq_server.platform.database import INSTANCE, reading


async def fold_tallies() -> None:
    """Keep the tally short: a block that no new customer falls into needs one row, not one for every writer."""
    async with reading(INSTANCE) as tx:
        await store.fold_tallies(tx)
