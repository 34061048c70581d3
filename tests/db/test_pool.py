"""Connections are lent to those who go on, not to those who were told to stop."""

import asyncio

import pytest

from kelviq_server.platform.pool import Pool

# More turns of the event loop than it takes to hand a connection over.
TURNS = 30


@pytest.mark.parametrize("turns", range(TURNS))
async def test_whoever_is_told_to_stop_while_a_connection_comes_stops(conninfo: str, turns: int) -> None:
    is_asking = asyncio.Event()

    async def ask() -> None:
        is_asking.set()
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        await asyncio.Event().wait()

    async with Pool(conninfo, min_size=1, max_size=1, open=False) as pool:
        async with pool.connection():
            asking = asyncio.create_task(ask())
            await is_asking.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking], timeout=5)
        assert asking.cancelled(), "it goes on"
        # The connection that it was just given is given to others.
        async with pool.connection(timeout=5) as connection:
            await connection.execute("SELECT 1")
