"""Events on their way: written with their cause, relayed in order, handled at least once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from msgspec import Raw
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row

from kelviq_server.core.events import Event
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.json_body import dump, parse

log = structlog.get_logger()

BATCH = 100
# What another process left to do is seen this much later at most.
POLL_SECONDS = 0.5
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 20
# For those who look into what went wrong; what merchants read for longer is the log of webhooks.
RETENTION = timedelta(days=1)
SWEEP_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Announced:
    """One event as it is relayed: whose it is, and its envelope as the text that is told."""

    id: UUID
    tenant_id: int | None
    type: str
    customer_id: UUID | None
    body: str
    created_at: datetime


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


# Set when there may be something to do, so that the worker in this process need not wait for its next look.
# Not NOTIFY: a commit that notifies holds a lock that makes all others queue (docs/adr/0006).
class Bell:
    """Rung by those who leave work, waited for by the one who does it."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let the one who waits look now."""
        self._rung.set()

    async def wait(self, seconds: float = POLL_SECONDS) -> None:
        """Return when it was rung since the last time, or when it is time to look for what other processes left."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()


# A commit in this process announced something; something relayed is due for its handlers.
announced, relayed = Bell(), Bell()


def announced_as(event: Event, tenant_id: int | None, now: datetime) -> Announced:
    """Return an event in its envelope, under a new id; `now` is the tenant's time."""
    id = new_id(now)
    body = dump({"id": id, "type": event.type, "created_at": now, "data": event.data()})
    return Announced(id, tenant_id, event.type, event.customer_id, body, now)


async def insert_events(
    connection: AsyncConnection[Any], tenant_id: int | None, now: datetime, events: Sequence[Event]
) -> None:
    """Write events into the open transaction; `now` is the tenant's time."""
    rows = [
        {"id": each.id, "type": each.type, "customer_id": each.customer_id, "payload": Raw(each.body)}
        for each in (announced_as(event, tenant_id, now) for event in events)
    ]
    await connection.execute(
        "INSERT INTO outbox (id, tenant_id, type, customer_id, payload, created_at)"
        " SELECT id, %s, type, customer_id, payload, %s"
        " FROM json_to_recordset(%s::json) AS event (id uuid, type text, customer_id uuid, payload json)",
        (tenant_id, now, dump(rows)),
    )


async def relay(connection: AsyncConnection[Any], handled: Collection[str], limit: int) -> list[Announced]:
    """Return the events that come next, in order, inside the caller's transaction, and only once if that commits.

    Those of the types that are `handled` are due for their handlers from then on, the others are done with. Only one
    may relay at a time, which is the caller's affair. A customer's events come in the order in which they happened:
    whoever changes a customer locks it until after its commit, so a later event is written when the earlier is there.
    """
    now = datetime.now(UTC)
    async with connection.cursor(row_factory=class_row(Announced)) as cursor:
        await cursor.execute(
            "WITH relayed AS (UPDATE outbox SET relayed_at = %(now)s,"
            " due_at = CASE WHEN type = ANY(%(handled)s) THEN %(now)s::timestamptz END,"
            " handled_at = CASE WHEN type = ANY(%(handled)s) THEN NULL ELSE %(now)s::timestamptz END"
            # By the rows' places: a plan made for any limit would walk through the whole table to join by number.
            " WHERE ctid = ANY(ARRAY("
            "   SELECT ctid FROM outbox WHERE relayed_at IS NULL ORDER BY seq LIMIT %(limit)s FOR UPDATE))"
            " RETURNING seq, id, tenant_id, type, customer_id, payload::text AS body, created_at"
            ") SELECT id, tenant_id, type, customer_id, body, created_at FROM relayed ORDER BY seq",
            {"now": now, "handled": list(handled), "limit": limit},
        )
        return await cursor.fetchall()


async def take_due(connection: AsyncConnection[Any]) -> list[Happening]:
    """Return events due for their handlers, leased to this worker: if it dies, they are due again when that ends.

    Numbers of a payload keep their digits, as in a request's body.
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "UPDATE outbox SET due_at = %s, attempts = attempts + 1 WHERE ctid = ANY(ARRAY("
            " SELECT ctid FROM outbox WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED))"
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
        "DELETE FROM outbox WHERE ctid = ANY(ARRAY("
        " SELECT ctid FROM outbox WHERE handled_at < %s ORDER BY handled_at LIMIT %s))",
        (datetime.now(UTC) - RETENTION, SWEEP_BATCH),
    )
    return cursor.rowcount
