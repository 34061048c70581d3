"""Does things at once, and tells what came of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any

from kelviq_server.platform.database import INSTANCE, reading


async def at_once(*works: Awaitable[Any]) -> Counter[str]:
    """Do everything at once, and return how often what came of it: a status, or what refused it."""
    done = await asyncio.gather(*works, return_exceptions=True)
    return Counter(
        type(each).__name__ if isinstance(each, BaseException) else getattr(each, "status", "") for each in done
    )


async def somebody_waits_for(pid: int) -> None:
    """Return when a session waits for a lock that this one holds."""
    async with asyncio.timeout(10), reading(INSTANCE) as tx:
        question = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid)))"
        while not await tx.value(question, (pid,)):
            pass
