"""All SQL about the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.outbox import Announced
from kelviq_server.webhooks.log.records import LogPage


async def lock_log(tx: Tx) -> None:
    """Wait until nobody else writes to the log; then it is ours until this transaction ends.

    So whoever reads on from an event misses none that came before it.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtext('webhook log'))")


async def has_turn(tx: Tx) -> bool:
    """Say whether it is ours to relay until this transaction ends; otherwise another worker is at it."""
    return await tx.value("SELECT pg_try_advisory_xact_lock(hashtext('webhook relay'))")


async def insert_events(tx: Tx, events: Sequence[Announced]) -> list[int]:
    """Write events of any tenants to the locked log, in their order, and return their positions."""
    rows = [
        {
            "tenant_id": event.tenant_id,
            "id": event.id,
            "type": event.type,
            "customer_id": event.customer_id,
            "created_at": event.created_at,
            "body": event.body,
            "place": place,
        }
        for place, event in enumerate(events)
    ]
    return await tx.value(
        "WITH written AS ("
        "  INSERT INTO webhook_events (tenant_id, id, type, customer_id, created_at, logged_at, body)"
        "  SELECT tenant_id, id, type, customer_id, created_at, %s, body FROM json_to_recordset(%s::json)"
        "    AS row (tenant_id integer, id uuid, type text, customer_id uuid, created_at timestamptz, body text,"
        "      place integer)"
        "  ORDER BY place RETURNING position"
        ") SELECT coalesce(array_agg(position ORDER BY position), '{}') FROM written",
        (tx.machine_now, dump(rows)),
    )


async def list_events(
    tx: Tx, after: UUID | None, event_type: str | None, customer_id: UUID | None, limit: int
) -> LogPage | None:
    """Return what comes in the log after an event, or from its beginning; None where there is no such event."""
    by_type: LiteralString = " AND type = %(type)s" if event_type is not None else ""
    by_customer: LiteralString = " AND customer_id = %(customer_id)s" if customer_id is not None else ""
    return await tx.find_decoded(
        LogPage,
        "WITH start AS MATERIALIZED ("
        "  SELECT position FROM webhook_events WHERE tenant_id = %(tenant_id)s AND id = %(after)s"
        "  UNION ALL SELECT 0 WHERE %(after)s::uuid IS NULL"
        "), found AS MATERIALIZED ("
        "  SELECT position, id, body FROM webhook_events WHERE tenant_id = %(tenant_id)s"
        "    AND position > (SELECT position FROM start)" + by_type + by_customer + " ORDER BY position"
        "  LIMIT %(limit)s::bigint + 1"
        ") SELECT json_build_object("
        "  'has_more', (SELECT count(*) > %(limit)s::bigint FROM found),"
        "  'events', (SELECT coalesce(json_agg(entry), '[]')"
        "    FROM (SELECT id, body::json FROM found ORDER BY position LIMIT %(limit)s::bigint) AS entry)"
        ") FROM start",
        {
            "tenant_id": tx.tenant_id,
            "after": after,
            "type": event_type,
            "customer_id": customer_id,
            "limit": limit,
        },
    )


async def get_body(tx: Tx, id: UUID) -> str:
    """Return an event's envelope, as it is sent; raises NotFound."""
    body = await tx.value("SELECT body FROM webhook_events WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id))
    if body is None:
        raise NotFound
    return body


async def delete_old(tx: Tx, logged_before: datetime, limit: int) -> int:
    """Delete old events of all tenants, but for those that an attempt or a delivery still tells of.

    A tenant's newest event stays, however old: it may be where somebody reads on from.
    """
    return await tx.execute(
        "DELETE FROM webhook_events WHERE ctid = ANY(ARRAY("
        "  SELECT ctid FROM webhook_events AS old WHERE logged_at < %s"
        "    AND position < (SELECT max(position) FROM webhook_events WHERE tenant_id = old.tenant_id)"
        "    AND NOT EXISTS (SELECT FROM webhook_attempts AS attempt"
        "      WHERE (attempt.tenant_id, attempt.position) = (old.tenant_id, old.position))"
        "    AND NOT EXISTS (SELECT FROM webhook_deliveries AS delivery"
        "      WHERE (delivery.tenant_id, delivery.position) = (old.tenant_id, old.position))"
        "  ORDER BY logged_at LIMIT %s))",
        (logged_before, limit),
    )
