"""Claims on idempotency keys: which run of a request counts, whether it did something, and what it answered.

Each function takes the connection it runs on, as those of `outbox` do: one of them is part of every transaction.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from kelviq_server.core.errors import Refusal
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.outbox import SWEEP_BATCH

# Longer than a request takes: gateways are given 20 s, a statement 30 s.
LEASE = timedelta(minutes=2)
# Counted from the end of the latest run's lease.
RETENTION = timedelta(days=7)


class RequestUnderWay(Refusal):
    """The first request with this Idempotency-Key is still in progress."""

    status = 409
    retry_after_seconds = 1


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that is to be carried out once."""

    # Whose key it is: the same key of somebody else is another.
    scope: str
    key: str
    # Equal for equal requests only.
    digest: bytes
    # Whether a second run finds out what the first did and goes on from there.
    resumes: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """One run of a request; a later run has the same id and another lease."""

    id: UUID
    lease: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is known of a request that cannot be run now."""

    id: UUID
    request_digest: bytes
    leased_until: datetime
    sealed_answer: bytes | None


# The run that this task is part of: `transaction` marks what it commits. None without a key, which costs nothing.
current: ContextVar[Claim | None] = ContextVar("claim", default=None)


async def take(connection: AsyncConnection[Any], request: KeyedRequest, now: datetime) -> Claim | None:
    """Return the claim of a new run; None if the request was answered, is under way, or must not be run again.

    A dead run is followed by another where that is safe: it did nothing, or the operation goes on from what it did.
    """
    async with connection.cursor(row_factory=class_row(Claim)) as cursor:
        await cursor.execute(
            "INSERT INTO idempotency_claims AS c (scope, key, id, request_digest, leased_until)"
            " VALUES (%(scope)s, %(key)s, %(id)s, %(digest)s, %(leased_until)s)"
            " ON CONFLICT (scope, key) DO UPDATE SET lease = c.lease + 1, leased_until = excluded.leased_until"
            " WHERE c.sealed_answer IS NULL AND c.request_digest = excluded.request_digest"
            "  AND c.leased_until <= %(now)s AND (%(resumes)s OR NOT c.has_effects)"
            " RETURNING id, lease",
            {
                "scope": request.scope,
                "key": request.key,
                "id": new_id(now),
                "digest": request.digest,
                "leased_until": now + LEASE,
                "now": now,
                "resumes": request.resumes,
            },
        )
        return await cursor.fetchone()


async def find(connection: AsyncConnection[Any], request: KeyedRequest) -> Claimed | None:
    """Return what is known under the request's key, whichever request that was."""
    async with connection.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(
            "SELECT id, request_digest, leased_until, sealed_answer FROM idempotency_claims"
            " WHERE scope = %s AND key = %s",
            (request.scope, request.key),
        )
        return await cursor.fetchone()


async def mark_effects(connection: AsyncConnection[Any]) -> None:
    """Note in the open transaction that this run did something, if it did; the last statement before the commit.

    Raises RequestUnderWay when a later run has taken over: what this one would do, that one does. The claim stays
    locked until the commit, so nobody takes over in between.
    """
    claim = current.get()
    if claim is None:
        return
    cursor = await connection.execute(
        # A transaction that has written nothing yet has no number.
        "UPDATE idempotency_claims SET has_effects = has_effects OR pg_current_xact_id_if_assigned() IS NOT NULL"
        " WHERE id = %s AND lease = %s",
        (claim.id, claim.lease),
    )
    if not cursor.rowcount:
        raise RequestUnderWay


async def has_effects(connection: AsyncConnection[Any], id: UUID) -> bool:
    """Say whether an earlier run of this request did something, or an earlier transaction of this one."""
    cursor = await connection.execute("SELECT has_effects FROM idempotency_claims WHERE id = %s", (id,))
    row = await cursor.fetchone()
    return row is not None and row[0]


async def keep_answer(connection: AsyncConnection[Any], claim: Claim, sealed_answer: bytes) -> None:
    """Keep what the run answered, unless a later one has taken over."""
    await connection.execute(
        "UPDATE idempotency_claims SET sealed_answer = %s WHERE id = %s AND lease = %s",
        (sealed_answer, claim.id, claim.lease),
    )


async def give_up(connection: AsyncConnection[Any], claim: Claim) -> None:
    """End a run that has no answer: its key is free again if it did nothing, else it counts as dead from now on."""
    mine = (claim.id, claim.lease)
    await connection.execute("DELETE FROM idempotency_claims WHERE id = %s AND lease = %s AND NOT has_effects", mine)
    await connection.execute(
        "UPDATE idempotency_claims SET leased_until = %s WHERE id = %s AND lease = %s", (datetime.now(UTC), *mine)
    )


async def sweep_claims(connection: AsyncConnection[Any]) -> int:
    """Delete what is too old to be asked for again, a batch at most, and return how much that was."""
    cursor = await connection.execute(
        "DELETE FROM idempotency_claims WHERE ctid = ANY(ARRAY("
        " SELECT ctid FROM idempotency_claims WHERE leased_until < %s ORDER BY leased_until LIMIT %s"
        " FOR UPDATE SKIP LOCKED))",
        (datetime.now(UTC) - RETENTION, SWEEP_BATCH),
    )
    return cursor.rowcount
