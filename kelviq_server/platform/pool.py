"""The connections of this process, lent to whoever waits for one, and to nobody who was told to stop meanwhile."""

import asyncio
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool


class Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """A pool in which a cancellation reaches whoever waits, also at the moment in which a connection comes."""

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:  # noqa: ASYNC109 - as above
        """Lend a connection.

        `asyncio.wait_for`, by which the pool waits, returns what came although its task was cancelled (until Python
        3.12): a worker that was told to stop then went on until it was killed, and what it had brought came twice.
        """
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        connection = await super().getconn(timeout)
        if task and task.cancelling() > before:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection
