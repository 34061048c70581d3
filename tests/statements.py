"""Counts the SQL statements that the application runs, on its real connections, or lets it die at one of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
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
    # To the connections that are yet to be made, too.
    assert isinstance(pool.kwargs, dict)
    pool.kwargs = {**pool.kwargs, "cursor_factory": cursors}
    async with AsyncExitStack() as stack:
        held = 0
        # While one waits for a connection, the pool may be opening another.
        while held < pool.get_stats()["pool_size"]:
            connection = await stack.enter_async_context(pool.connection())
            connection.cursor_factory = cursors
            held += 1


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


async def dies_at_statement(at: int, work: Awaitable[Any]) -> bool:
    """Let the process die when it is about to run the so-manieth statement of this; say whether it came so far."""
    async with dying(at):
        with suppress(asyncio.CancelledError):
            await work
    return _Dying.left <= 0


async def dies_at_await(at: int, work: Awaitable[Any]) -> bool:
    """Let the process die where this waits for the so-manieth time; say whether it came so far."""
    dying = _DyingWork(at, work)

    async def do() -> None:
        await dying

    with suppress(asyncio.CancelledError):
        await asyncio.create_task(do())
    return dying.left <= 0


class _DyingWork:
    """Work that is stopped the so-manieth time it waits: what it waits for happens, or does not, and it never hears."""

    def __init__(self, at: int, work: Awaitable[Any]) -> None:
        self.left, self._work = at, work

    def __await__(self) -> Generator[Any, Any, Any]:
        work = self._work.__await__()
        go_on: Callable[[], Any] = partial(work.send, None)  # pyright: ignore[reportUnknownMemberType]
        while True:
            try:
                waits_for = go_on()
            except StopIteration as end:
                return end.value
            self.left -= 1
            if self.left == 0:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                go_on = partial(work.send, (yield waits_for))  # pyright: ignore[reportUnknownMemberType]
            except BaseException as fault:
                go_on = partial(work.throw, fault)  # pyright: ignore[reportUnknownMemberType]
