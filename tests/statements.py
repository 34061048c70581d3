"""Counts the SQL statements that the application runs, on its real connections, or lets it die at one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from psycopg import AsyncCursor

from kelviq_server.platform.database import current_pool

_counted: list[str] = []


class _Counting(AsyncCursor[Any]):
    """A cursor that notes what it runs."""

    async def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        # What the pool does now and then is no part of an operation.
        if query != "DISCARD PLANS":
            _counted.append(str(query))
        return await super().execute(query, *arguments, **options)


@asynccontextmanager
async def counting() -> AsyncIterator[list[str]]:
    """Give the statements that run inside the block, by whichever connection."""
    _counted.clear()
    await _give(_Counting)
    try:
        yield _counted
    finally:
        await _give(AsyncCursor)


async def _give(cursors: type[AsyncCursor[Any]]) -> None:
    pool = current_pool()
    async with AsyncExitStack() as stack:
        for _ in range(pool.get_stats()["pool_size"]):
            connection = await stack.enter_async_context(pool.connection())
            connection.cursor_factory = cursors


class _Dying(AsyncCursor[Any]):
    """A cursor at one of whose statements its process dies."""

    left = 0

    async def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        if query != "DISCARD PLANS":
            _Dying.left -= 1
            if _Dying.left == 0:
                raise asyncio.CancelledError
        return await super().execute(query, *arguments, **options)


@asynccontextmanager
async def dying(at: int) -> AsyncIterator[None]:
    """Let the process die inside the block, when it is about to run its so-manieth statement."""
    _Dying.left = at
    await _give(_Dying)
    try:
        yield
    finally:
        await _give(AsyncCursor)
