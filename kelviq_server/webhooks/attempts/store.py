"""All SQL about attempts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import lowest_id
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.listing import Listed, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.webhooks.attempts.records import AttemptDetails, AttemptEntry, Days, TenantDay
from kelviq_server.webhooks.deliveries.records import Attempt

_ENTRY: LiteralString = (
    "attempt.id, event.id AS event_id, endpoint_id, type, status_code, is_success, retry_count, attempted_at,"
    " created_at, body::json AS payload"
)


async def insert_attempts(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Write down what came of attempts, of any tenants, and count them on their days.

    Written down once more, nothing changes. Days are counted in one order, so that no two writers wait for each other.
    """
    rows = [
        {
            "tenant_id": attempt.delivery.tenant_id,
            "id": attempt.id,
            "endpoint_id": attempt.delivery.endpoint_id,
            "position": attempt.delivery.position,
            "attempted_at": attempt.attempted_at,
            "day": attempt.attempted_at.astimezone(UTC).date(),
            "retry_count": attempt.delivery.failures,
            "is_success": attempt.is_success,
            "status_code": attempt.status_code,
            "milliseconds": attempt.milliseconds,
            "failure": attempt.failure,
            "answer": attempt.answer,
        }
        for attempt in attempts
    ]
    await tx.execute(
        "WITH made AS MATERIALIZED (SELECT * FROM json_to_recordset(%s::json) AS made (tenant_id integer, id uuid,"
        "  endpoint_id uuid, position bigint, attempted_at timestamptz, day date, retry_count smallint,"
        "  is_success boolean, status_code smallint, milliseconds integer, failure text, answer text)"
        "), written AS ("
        "  INSERT INTO webhook_attempts (tenant_id, id, endpoint_id, position, attempted_at, retry_count, is_success,"
        "    status_code, milliseconds, failure, answer)"
        "  SELECT tenant_id, id, endpoint_id, position, attempted_at, retry_count, is_success, status_code,"
        "    milliseconds, failure, answer FROM made ON CONFLICT (tenant_id, id) DO NOTHING RETURNING tenant_id, id"
        ") INSERT INTO webhook_tallies AS tally (tenant_id, day, count)"
        " SELECT tenant_id, day, count(*) FROM made JOIN written USING (tenant_id, id)"
        " GROUP BY tenant_id, day ORDER BY tenant_id, day"
        " ON CONFLICT (tenant_id, day) DO UPDATE SET count = tally.count + excluded.count",
        (dump(rows),),
    )


async def list_attempts(tx: Tx, days: Days, page: Page) -> Listed[AttemptEntry]:
    """Return a page of the attempts of these days, newest first.

    Jumps by the tallies: whole days are skipped by their counts, and only in the day in which the page begins its
    index is walked. Each day comes with the lowest id after it, because ids carry their instant.
    """
    every = [days.first + timedelta(days=number) for number in range((days.last - days.first).days + 1)]
    return await tx.decoded(
        Listed[AttemptEntry],
        "WITH tally AS MATERIALIZED ("
        "  SELECT below, count, sum(count) OVER (ORDER BY day DESC) AS reached"
        "  FROM webhook_tallies JOIN unnest(%(days)s::date[], %(below)s::uuid[]) AS bound (day, below) USING (day)"
        "  WHERE tenant_id = %(tenant_id)s"
        "), total AS (SELECT coalesce(max(reached), 0)::bigint AS count FROM tally"
        "), skipped AS (SELECT coalesce(%(offset)s::bigint,"
        "  greatest(count - 1, 0) / %(limit)s::bigint * %(limit)s::bigint) AS count FROM total"
        "), start AS MATERIALIZED ("
        "  SELECT below, (skipped.count - reached + tally.count)::bigint AS inside FROM tally, skipped"
        "  WHERE reached > skipped.count ORDER BY below DESC LIMIT 1"
        "), page AS MATERIALIZED ("
        "  SELECT * FROM webhook_attempts WHERE tenant_id = %(tenant_id)s AND id >= %(lowest)s"
        "    AND id < (SELECT below FROM start)"
        "  ORDER BY id DESC OFFSET (SELECT inside FROM start) LIMIT %(limit)s::bigint"
        ") SELECT json_build_object('count', (SELECT count FROM total), 'results',"
        "  (SELECT coalesce(json_agg(entry), '[]') FROM (SELECT "
        + _ENTRY
        + " FROM page AS attempt JOIN webhook_events AS event USING (tenant_id, position)"
        "   ORDER BY attempt.id DESC) AS entry))",
        {
            "tenant_id": tx.tenant_id,
            "days": every,
            "below": [_first_id(day + timedelta(days=1)) for day in every],
            "lowest": _first_id(days.first),
            **page_parameters_of(page),
        },
    )


async def get_attempt(tx: Tx, id: UUID, earliest: date) -> AttemptDetails:
    """Return an attempt that was made on this day or later; raises NotFound."""
    found = await tx.find_decoded(
        AttemptDetails,
        "SELECT row_to_json(entry) FROM (SELECT " + _ENTRY + ", milliseconds, failure, answer"
        " FROM webhook_attempts AS attempt JOIN webhook_events AS event USING (tenant_id, position)"
        " WHERE tenant_id = %s AND attempt.id = %s AND attempt.id >= %s) AS entry",
        (tx.tenant_id, id, _first_id(earliest)),
    )
    if found is None:
        raise NotFound
    return found


async def delete_old(tx: Tx, before: date, limit: int) -> int:
    """Delete the attempts of one tenant's day, the oldest one before this day, and return how many went.

    The day itself goes with its last attempts; 0 when there is none left.
    """
    day = await tx.row(
        TenantDay,
        "SELECT tenant_id, day FROM webhook_tallies WHERE day < %s ORDER BY day LIMIT 1 FOR UPDATE SKIP LOCKED",
        (before,),
    )
    if day is None:
        return 0
    deleted = await tx.execute(
        "DELETE FROM webhook_attempts WHERE tenant_id = %(tenant_id)s AND id IN (SELECT id FROM webhook_attempts"
        "  WHERE tenant_id = %(tenant_id)s AND id >= %(first)s AND id < %(below)s LIMIT %(limit)s)",
        {"tenant_id": day.tenant_id, "first": _first_id(day.day), "below": _first_id(day.day + timedelta(days=1)),
         "limit": limit},
    )  # fmt: skip
    if deleted < limit:
        deleted += await tx.execute(
            "DELETE FROM webhook_tallies WHERE tenant_id = %s AND day = %s", (day.tenant_id, day.day)
        )
    return deleted


def _first_id(day: date) -> UUID:
    return lowest_id(datetime.combine(day, time(), UTC))
