"""Does things at once, and tells what came of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import Any


async def at_once(*works: Awaitable[Any]) -> Counter[str]:
    """Do everything at once, and return how often what came of it: a status, or what refused it."""
    done = await asyncio.gather(*works, return_exceptions=True)
    return Counter(
        type(each).__name__ if isinstance(each, BaseException) else getattr(each, "status", "") for each in done
    )
