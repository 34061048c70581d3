"""Make room for what will be reported."""

from datetime import datetime, timedelta

import structlog
from psycopg import Error

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.usage.reports import store

log = structlog.get_logger()
# What is reported after that, without anybody having swept, stands together in one place, and is found there.
AHEAD_DAYS = (0, 28, 56, 84)


async def make_room(now: datetime) -> None:
    """Let there be partitions for this month and the next three, by machine time; safe to do again, and at once.

    Where that has to wait for somebody who reads them all, it is left for the next time: reports would wait, too.
    """
    for days in AHEAD_DAYS:
        try:
            async with transaction(INSTANCE) as tx:
                await store.insert_partition(tx, now + timedelta(days=days))
        except Error:
            log.warning("no room of its own made for what will be reported", days=days, exc_info=True)
