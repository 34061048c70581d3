"""Business work that waits for an instant of its tenant's clock: what each kind of it offers, and the list of all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString, TypeVar

from kelviq_server.platform.database import Tenant


@dataclass(frozen=True, slots=True)
class DueWork:
    """One kind of business work that waits for an instant of its tenant's clock.

    A clock that is advanced never passes an instant at which something is still due, whoever carries it out. So work
    stays due until it is done with: what somebody has in hand, between two transactions too, is found by `next_due`.
    """

    # For people: what it is that is due, such as "renewals".
    name: str
    # SQL for the earliest instant at which something is due, or null, overdue or yet to come, of the tenant whose id is
    # `tenant.id`. It runs for every tenant every second: one look into an index by tenant and instant.
    next_due: LiteralString
    # Carries out what is due by the tenant's clock, for a second or so, the earliest first, each in a transaction,
    # and returns how much that was. Safe to run twice, and by several at once: what another has in hand is left alone.
    carry_out: Callable[[Tenant], Awaitable[int]]


Taken = TypeVar("Taken")

# For so long, in seconds, a batch is worked on; a gateway that is slow keeps other tenants waiting no longer.
BATCH_SECONDS = 2.0


async def carry_out_each(
    taken: Sequence[Taken],
    do: Callable[[Taken], Awaitable[object]],
    leave: Callable[[Sequence[Taken]], Awaitable[None]],
    *,
    at_once: int,
    seconds: float = BATCH_SECONDS,
) -> int:
    """Do each of a batch, so many at once, and return how many were done; those that time is too short for are left.

    What fails keeps none of the others from being done, and is raised at the end.
    """
    until = asyncio.get_running_loop().time() + seconds
    waiting, faults = deque(taken), list[Exception]()

    async def work() -> None:
        while waiting and asyncio.get_running_loop().time() < until:
            try:
                await do(waiting.popleft())
            except Exception as fault:
                faults.append(fault)

    await asyncio.gather(*(work() for _ in range(min(at_once, len(taken)))))
    if waiting:
        await leave(waiting)
    if faults:
        faults[0].add_note(f"{len(faults)} of {len(taken)} failed")
        raise faults[0]
    return len(taken) - len(waiting)


@dataclass(frozen=True, slots=True)
class DueWorks:
    """All kinds of such work; of what is due at the same instant, the first in the list goes first."""

    works: Sequence[DueWork]
    # Machine time: for so long a caller who advances a clock waits for what falls due; the rest is left to a worker.
    patience: timedelta = timedelta(seconds=5)


_due_works = DueWorks(())


def use_due_works(due_works: DueWorks) -> None:
    """Let this process carry out this work from now on."""
    global _due_works
    _due_works = due_works


def current_due_works() -> DueWorks:
    """Return the work that this process carries out."""
    return _due_works
