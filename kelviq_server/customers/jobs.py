"""What is done about customers from time to time."""

from typing import Any

from psycopg import AsyncConnection

from kelviq_server.customers import store


async def fold_tallies(connection: AsyncConnection[Any]) -> None:
    """Keep the tally short: blocks that no new customer falls into need one row, not one for every writer."""
    await store.fold_tallies(connection)
