"""Make room for what will be reported."""

from datetime import datetime, timedelta

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.usage.reports import store

# What is reported after that, without anybody having swept, stands together in one place, and is found there.
AHEAD_DAYS = (0, 28, 56, 84)


async def make_room(now: datetime) -> None:
    """Let there be partitions for this month and the next three, by machine time; safe to do again, and at once."""
    async with transaction(INSTANCE) as tx:
        await store.lock_partitions(tx)
        for days in AHEAD_DAYS:
            await store.insert_partition(tx, now + timedelta(days=days))
