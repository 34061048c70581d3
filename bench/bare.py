"""What our server is measured against: bare ASGI applications without key, tenant, routing or framework.

`list_app` runs the same SQL and sends the same bytes; `static_app` only sends them.
"""

import os
from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from kelviq_server.customers.records import CustomerPage
from kelviq_server.customers.schemas import list_parts
from kelviq_server.customers.store import FIRST_PAGE
from kelviq_server.platform.database import BytesLoader

_state: dict[str, Any] = {}


async def list_app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the first page of 1000."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    pool: AsyncConnectionPool[AsyncConnection[Any]] = _state["pool"]
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(CustomerPage)) as cursor:
        cursor.adapters.register_loader("text", BytesLoader)
        await cursor.execute(FIRST_PAGE, {"tenant_id": int(os.environ["BENCH_TENANT"]), "limit": 1000})
        page = await cursor.fetchone()
    assert page is not None
    await _send(send, list_parts(page, "http://127.0.0.1:8000/api/v1/customers/?page=2", None))


async def static_app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the same bytes, without a database."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if "parts" not in _state:
        parts: list[bytes] = []

        async def keep(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                parts.append(message["body"])

        await list_app(scope, receive, keep)
        _state["parts"] = parts
    await _send(send, _state["parts"])


async def _send(send: Any, parts: Sequence[bytes]) -> None:
    length = str(sum(map(len, parts))).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for part in parts[:-1]:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": parts[-1]})


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
        os.environ["BENCH_CONNINFO"], min_size=2, max_size=10, kwargs={"autocommit": True}, open=False
    )
    await pool.open(wait=True)
    _state["pool"] = pool
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await pool.close()
    await send({"type": "lifespan.shutdown.complete"})
