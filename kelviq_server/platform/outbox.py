"""Events on their way: written with their cause, handled afterwards, at least once, in order of due time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from kelviq_server.core.events import Event
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.json_body import dump, parse

log = structlog.get_logger()

BATCH = 100
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 20
RETENTION = timedelta(days=30)
SWEEP_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as a handler receives it."""

    seq: int
    id: UUID
    tenant_id: int | None
    type: str
    payload: dict[str, Any]
    created_at: datetime
    attempts: int


Handler = Callable[[Happening], Awaitable[None]]
Handlers = Mapping[str, Sequence[Handler]]

# Set by a commit in this process, so that the worker beside it need not wait for its next look.
# Not NOTIFY: a commit that notifies holds a lock that makes all others queue (docs/adr/0006).
_woken = asyncio.Event()


def wake_worker() -> None:
    """Let the worker of this process, if there is one, look now."""
    _woken.set()


async def wait_for_work(seconds: float) -> None:
    """Return when this process announced something, or after the given time."""
    try:
        async with asyncio.timeout(seconds):
            await _woken.wait()
    except TimeoutError:
        pass
    _woken.clear()


async def insert_events(
    connection: AsyncConnection[Any], tenant_id: int | None, now: datetime, events: Sequence[Event]
) -> None:
    """Write events into the open transaction. `created_at` is the tenant's time, `due_at` the machine's."""
    rows: list[dict[str, Any]] = []
    for event in events:
        id = new_id(now)
        payload = {"id": id, "type": event.type, "created_at": now, "data": event.data()}
        rows.append({"id": id, "type": event.type, "payload": payload})
    await connection.execute(
        "INSERT INTO outbox (id, tenant_id, type, payload, created_at, due_at)"
        " SELECT id, %s, type, payload, %s, %s"
        " FROM json_to_recordset(%s::json) AS event (id uuid, type text, payload json)",
        (tenant_id, now, datetime.now(UTC), dump(rows)),
    )


async def take_due(connection: AsyncConnection[Any]) -> list[Happening]:
    """Return due events, leased to this worker: if it dies, they are due again when the lease ends.

    Numbers of a payload keep their digits, as in a request's body.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "UPDATE outbox SET due_at = %s, attempts = attempts + 1 WHERE id IN ("
            " SELECT id FROM outbox WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING seq, id, tenant_id, type, payload::text, created_at, attempts",
            (datetime.now(UTC) + LEASE, datetime.now(UTC), BATCH),
        )
        rows = await cursor.fetchall()
    taken = [Happening(**{**row, "payload": parse(row["payload"].encode())}) for row in rows]
    return sorted(taken, key=lambda happening: happening.seq)


async def handle_due(connection: AsyncConnection[Any], handlers: Handlers) -> int:
    """Handle one batch of due events and return its size."""
    happenings = await take_due(connection)
    handled: list[UUID] = []
    for happening in happenings:
        try:
            for handler in handlers.get(happening.type, ()):
                await handler(happening)
            handled.append(happening.id)
        except Exception as error:
            log.exception("event handler failed", event_id=str(happening.id), type=happening.type)
            await _put_off(connection, happening, type(error).__name__)
    if handled:
        await connection.execute(
            "UPDATE outbox SET due_at = NULL, handled_at = %s, failure = NULL WHERE id = ANY(%s)",
            (datetime.now(UTC), handled),
        )
    return len(happenings)


async def _put_off(connection: AsyncConnection[Any], happening: Happening, failure: str) -> None:
    """Try again after a growing pause; after the last attempt keep the event, with its failure, for a person."""
    pause = timedelta(seconds=min(2**happening.attempts, 3600))
    due_at = None if happening.attempts >= MAX_ATTEMPTS else datetime.now(UTC) + pause
    await connection.execute(
        "UPDATE outbox SET due_at = %s, failure = %s WHERE id = %s", (due_at, failure, happening.id)
    )


async def sweep_handled(connection: AsyncConnection[Any]) -> int:
    """Delete what was handled long ago, a batch at most, and return how much that was."""
    cursor = await connection.execute(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE handled_at < %s ORDER BY handled_at LIMIT %s)",
        (datetime.now(UTC) - RETENTION, SWEEP_BATCH),
    )
    return cursor.rowcount
