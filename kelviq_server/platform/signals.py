"""Word from other processes that something they may have cached has changed: LISTEN on one connection.

Rare news only (a key revoked): a commit that notifies makes other commits queue.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from psycopg import AsyncConnection, Error

from kelviq_server.platform.database import SESSION_OPTIONS

log = structlog.get_logger()

Listener = Callable[[str], None]
RECONNECT_SECONDS = 1.0


async def listen(conninfo: str, listeners: Mapping[str, Listener], forget_all: Callable[[], None]) -> None:
    """Call the topic's listener for every signal, until cancelled.

    Whenever the connection was away, news may have been missed: then everything is forgotten.
    """
    while True:
        try:
            connection: AsyncConnection[Any] = await AsyncConnection.connect(
                conninfo, autocommit=True, options=SESSION_OPTIONS, application_name="kelviq-server signals"
            )
            async with connection:
                await connection.execute("LISTEN kelviq")
                forget_all()
                async for notice in connection.notifies():
                    topic, _, detail = notice.payload.partition(":")
                    if listener := listeners.get(topic):
                        listener(detail)
        except Error:
            log.warning("signals: connection lost")
        except Exception:
            # Whatever came, the next news must still be heard.
            log.exception("signals: listener failed")
        forget_all()
        await asyncio.sleep(RECONNECT_SECONDS)
