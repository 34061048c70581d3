"""What comes while the last of its kind is being written is written together: a commit for many costs as for one.

Nothing waits for a timer: what comes alone is written at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from kelviq_server.platform.answers import Unavailable
from kelviq_server.platform.database import Tenant

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

# Writes items of one tenant, and returns what became of each; where it raises, nothing of them is written.
Write = Callable[[Tenant, Sequence[I]], Awaitable[Sequence[O]]]
# Of one tenant: whoever comes then had better come later.
MAX_WAITING = 10_000
Waiting = list[tuple[I, asyncio.Future[O]]]


class Gathering(Generic[I, O]):
    """Writes what is handed in, tenant by tenant, up to so many at a time; one at a time, each by itself."""

    def __init__(self, write: Write[I, O], limit: int) -> None:
        self._write = write
        self.limit = limit
        self._waiting: dict[Tenant, Waiting[I, O]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

    async def hand_in(self, tenant: Tenant, item: I) -> O:
        """Return what became of an item once that is durable; raises what writing it raises."""
        if self.limit == 1:
            [outcome] = await self._write(tenant, [item])
            return outcome
        done: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(tenant)
        if waiting is not None and len(waiting) >= MAX_WAITING:
            raise Unavailable
        if waiting is None:
            self._waiting[tenant] = [(item, done)]
            # In nobody's name: neither the first caller's claim nor their log belongs to the others.
            task = asyncio.create_task(self._work(tenant), context=Context())
            # The loop itself holds tasks weakly.
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        else:
            waiting.append((item, done))
        return await done

    async def _work(self, tenant: Tenant) -> None:
        while waiting := self._waiting[tenant]:
            batch, self._waiting[tenant] = waiting[: self.limit], waiting[self.limit :]
            # Who has gone away may have sent it elsewhere.
            await self._write_all(tenant, [each for each in batch if not each[1].done()])
        del self._waiting[tenant]

    async def _write_all(self, tenant: Tenant, batch: Waiting[I, O]) -> None:
        if not batch:
            return
        try:
            outcomes = await self._write(tenant, [item for item, _ in batch])
        except Exception as fault:
            if len(batch) > 1 and not _is_of_the_database(fault):
                # One of them may be at fault, and the others are not to suffer for it.
                for each in batch:
                    await self._write_all(tenant, [each])
                return
            for _, done in batch:
                if not done.done():
                    done.set_exception(fault)
            return
        for (_, done), outcome in zip(batch, outcomes, strict=True):
            # Who has gone away hears nothing.
            if not done.done():
                done.set_result(outcome)


def _is_of_the_database(fault: Exception) -> bool:
    """Say whether the database went away: the others would fare no better, and what was committed is not known."""
    return isinstance(fault, PoolTimeout) or (isinstance(fault, psycopg.Error) and not fault.sqlstate)
