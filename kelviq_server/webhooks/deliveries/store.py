"""All SQL about what is on its way.

Whoever puts something into a lane locks it until the commit, and whoever ends one locks it first and then looks, in a
statement of its own: so nobody takes a lane for empty into which somebody else is just putting an event. Lanes are
locked in one order, before endpoints and days, so that no two wait for each other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.outbox import Announced
from kelviq_server.webhooks.deliveries.events import WebhookTested
from kelviq_server.webhooks.deliveries.records import Attempt, Delivery, Health, Lease, Replay, Replayed, Slots
from kelviq_server.webhooks.endpoints.records import DisabledReason

_OF_EVENTS: LiteralString = (
    "WITH wanted AS MATERIALIZED ("
    "  SELECT tenant_id, endpoint.id AS endpoint_id, coalesce(customer_id, event.id) AS lane, position FROM "
)
_FOR_ENDPOINTS: LiteralString = " JOIN webhook_endpoints AS endpoint USING (tenant_id) WHERE is_enabled AND "
_WANTED: LiteralString = _OF_EVENTS + "webhook_events AS event" + _FOR_ENDPOINTS
# Tests are told on request alone.
_LISTENS: LiteralString = "endpoint.event_types && ARRAY['*', event.type] AND event.type <> 'webhook.test'"
# Puts what is `wanted` into its lanes, what waits already left where it is, and says how much is wanted.
_QUEUE: LiteralString = (
    "), lane AS ("
    "  INSERT INTO webhook_lanes AS lane (endpoint_id, lane, due_at)"
    "  SELECT DISTINCT endpoint_id, lane, %(now)s::timestamptz FROM wanted ORDER BY endpoint_id, lane"
    "  ON CONFLICT (endpoint_id, lane) DO UPDATE SET lease = lane.lease"
    "), queued AS ("
    "  INSERT INTO webhook_deliveries (tenant_id, endpoint_id, lane, position, queued_at)"
    "  SELECT tenant_id, endpoint_id, lane, position, %(now)s FROM wanted ORDER BY position"
    "  ON CONFLICT (endpoint_id, position) DO NOTHING"
    ") SELECT count(*) AS count, max(position) AS last FROM wanted"
)


async def insert_wanted(tx: Tx, events: Sequence[Announced], positions: Sequence[int]) -> None:
    """Queue events that were just logged, for all who want them.

    They are not looked up in the log: a plan that was made while that was empty would search all of it for each.
    """
    await tx.execute(
        _OF_EVENTS + "unnest(%(tenant_ids)s::integer[], %(positions)s::bigint[], %(ids)s::uuid[],"
        "  %(customer_ids)s::uuid[], %(types)s::text[]) AS event (tenant_id, position, id, customer_id, type)"
        + _FOR_ENDPOINTS
        + _LISTENS
        + _QUEUE,
        {
            "tenant_ids": [event.tenant_id for event in events],
            "positions": list(positions),
            "ids": [event.id for event in events],
            "customer_ids": [event.customer_id for event in events],
            "types": [event.type for event in events],
            "now": tx.machine_now,
        },
    )


async def insert_again(tx: Tx, event_id: UUID, endpoint_id: UUID | None) -> int:
    """Queue an event once more, for one endpoint, else for all who want it, and return for how many.

    Where it waits for its next attempt it is due at once, or what holds it up is.
    """
    parameters = {
        "tenant_id": tx.tenant_id, "event_id": event_id, "endpoint_id": endpoint_id, "now": tx.machine_now,
        "test": WebhookTested.type,
    }  # fmt: skip
    await tx.execute(
        "SELECT FROM webhook_endpoints AS endpoint JOIN webhook_lanes AS lane ON lane.endpoint_id = endpoint.id"
        " WHERE tenant_id = %(tenant_id)s AND lane IN (SELECT unnest(ARRAY[id, customer_id]) FROM webhook_events"
        "   WHERE tenant_id = %(tenant_id)s AND id = %(event_id)s)"
        " ORDER BY lane.endpoint_id, lane FOR UPDATE OF lane",
        parameters,
    )
    await tx.execute(
        "UPDATE webhook_lanes AS lane SET due_at = %(now)s FROM webhook_deliveries AS delivery"
        " JOIN webhook_events AS event USING (tenant_id, position)"
        " WHERE tenant_id = %(tenant_id)s AND event.id = %(event_id)s"
        "   AND delivery.endpoint_id = coalesce(%(endpoint_id)s, delivery.endpoint_id)"
        "   AND (lane.endpoint_id, lane.lane) = (delivery.endpoint_id, delivery.lane) AND due_at > %(now)s"
        "   AND NOT is_taken",
        parameters,
    )
    return await tx.value(
        _WANTED + "tenant_id = %(tenant_id)s AND event.id = %(event_id)s AND event.type <> %(test)s"
        " AND (endpoint.id = %(endpoint_id)s OR (%(endpoint_id)s::uuid IS NULL AND " + _LISTENS + "))" + _QUEUE,
        parameters,
    )


async def insert_replayed(tx: Tx, endpoint_id: UUID, replay: Replay, after: int, limit: int) -> Replayed:
    """Queue the next events of a replay for its endpoint, those after a position."""
    replayed = await tx.row(
        Replayed,
        _WANTED + _REPLAYED + " AND position > %(after)s ORDER BY position LIMIT %(limit)s" + _QUEUE,
        {"now": tx.machine_now, "after": after, "limit": limit, **_replay_parameters(tx, endpoint_id, replay)},
    )
    assert replayed is not None
    return replayed


async def find_replay_size(tx: Tx, endpoint_id: UUID, replay: Replay, limit: int) -> int:
    """Return how many events a replay has; counts no further than the limit."""
    return await tx.value(
        _WANTED + _REPLAYED + " LIMIT %(limit)s) SELECT count(*) FROM wanted",
        {"limit": limit, **_replay_parameters(tx, endpoint_id, replay)},
    )


_REPLAYED: LiteralString = (
    "tenant_id = %(tenant_id)s AND endpoint.id = %(endpoint_id)s AND event.created_at >= %(start)s"
    " AND (%(end)s::timestamptz IS NULL OR event.created_at < %(end)s) AND "
    + _LISTENS
    + " AND (%(types)s::text[] IS NULL OR event.type = ANY(%(types)s))"
)


def _replay_parameters(tx: Tx, endpoint_id: UUID, replay: Replay) -> Mapping[str, object]:
    return {
        "tenant_id": tx.tenant_id,
        "endpoint_id": endpoint_id,
        "start": replay.start,
        "end": replay.end,
        "types": None if replay.event_types is None else list(replay.event_types),
    }


async def update_taken(tx: Tx, slots: Slots, lease_time: timedelta) -> list[Lease]:
    """Take lanes that are due, of any tenants, and return them; nobody else takes them until the lease ends.

    Each endpoint has slots of its own, those that fail come last, and the others get their turns one by one, whoever
    has least on its way first; one that has nothing on its way gets its turn even where its tenant has no more.
    Endpoints that have lanes are found by jumping through the index from one to the next, and lanes are updated by
    their places, so that a million lanes of one keep no other waiting.
    """
    return await tx.rows(
        Lease,
        "WITH RECURSIVE waiting (id) AS ("
        "  (SELECT endpoint_id FROM webhook_lanes ORDER BY endpoint_id LIMIT 1) UNION ALL"
        "  SELECT (SELECT endpoint_id FROM webhook_lanes WHERE endpoint_id > waiting.id ORDER BY endpoint_id LIMIT 1)"
        "  FROM waiting WHERE waiting.id IS NOT NULL"
        "), free AS MATERIALIZED ("
        "  SELECT endpoint.id, tenant_id, failing_since IS NOT NULL AS fails, coalesce(on_way.count, 0) AS busy,"
        "    CASE WHEN failing_since IS NULL THEN %(healthy)s ELSE %(failing)s END"
        "      - coalesce(on_way.count, 0) AS slots,"
        "    sum(coalesce(on_way.count, 0)) OVER (PARTITION BY tenant_id) AS tenant_busy"
        "  FROM waiting JOIN webhook_endpoints AS endpoint ON endpoint.id = waiting.id"
        "  LEFT JOIN unnest(%(ids)s::uuid[], %(counts)s::bigint[]) AS on_way (id, count) ON on_way.id = waiting.id"
        "  WHERE is_enabled"
        "), due AS ("
        "  SELECT endpoint_id, lane, tenant_id, tenant_busy, fails,"
        "    busy + row_number() OVER (PARTITION BY free.id ORDER BY due_at) AS turn"
        "  FROM free CROSS JOIN LATERAL ("
        "    SELECT endpoint_id, lane, due_at FROM webhook_lanes WHERE endpoint_id = free.id AND due_at <= %(now)s"
        "    ORDER BY due_at LIMIT greatest(free.slots, 0)) AS lane"
        "), ranked AS ("
        "  SELECT *, tenant_busy + row_number() OVER (PARTITION BY tenant_id ORDER BY fails, turn) AS of_tenant"
        "  FROM due"
        "), chosen AS MATERIALIZED ("
        "  SELECT endpoint_id, lane FROM ranked WHERE of_tenant <= %(tenant)s OR turn = 1"
        "  ORDER BY fails, turn LIMIT %(limit)s"
        ") UPDATE webhook_lanes SET due_at = %(until)s, is_taken = true, lease = nextval('webhook_leases')"
        " WHERE ctid = ANY(ARRAY(SELECT place FROM chosen CROSS JOIN LATERAL ("
        "   SELECT lane.ctid AS place FROM webhook_lanes AS lane"
        "   WHERE (lane.endpoint_id, lane.lane) = (chosen.endpoint_id, chosen.lane) AND due_at <= %(now)s"
        "   FOR UPDATE SKIP LOCKED) AS held))"
        " RETURNING endpoint_id, lane, lease",
        {
            "healthy": slots.healthy,
            "failing": slots.failing,
            "tenant": slots.tenant,
            "ids": list(slots.busy),
            "counts": list(slots.busy.values()),
            "limit": slots.limit,
            "now": tx.machine_now,
            "until": tx.machine_now + lease_time,
        },
    )


async def has_test_under_way(tx: Tx, endpoint_id: UUID) -> bool:
    """Say whether a test of this endpoint was begun and has not come back."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM (SELECT position FROM webhook_events WHERE tenant_id = %s AND type = %s"
        "   ORDER BY position DESC LIMIT 100) AS test"
        " JOIN webhook_deliveries USING (position) WHERE endpoint_id = %s)",
        (tx.tenant_id, WebhookTested.type, endpoint_id),
    )


async def insert_test(tx: Tx, endpoint_id: UUID, event_id: UUID, position: int, lease_time: timedelta) -> Lease:
    """Queue an event for one endpoint alone, whatever that wants, and return its lane, taken."""
    lease = await tx.value(
        "INSERT INTO webhook_lanes (endpoint_id, lane, due_at, is_taken, lease)"
        " VALUES (%s, %s, %s, true, nextval('webhook_leases')) RETURNING lease",
        (endpoint_id, event_id, tx.machine_now + lease_time),
    )
    await tx.execute(
        "INSERT INTO webhook_deliveries (tenant_id, endpoint_id, lane, position, queued_at)"
        " VALUES (%s, %s, %s, %s, %s)",
        (tx.tenant_id, endpoint_id, event_id, position, tx.machine_now),
    )
    return Lease(endpoint_id, event_id, lease)


async def list_first(tx: Tx, leases: Sequence[Lease]) -> list[Delivery]:
    """Return the first delivery of each of these lanes that one has, with all that is needed to send it.

    A statement of its own: one that also took the lanes would see what was in them before they were ours.
    """
    return await tx.rows(
        Delivery,
        "SELECT delivery.tenant_id, taken.endpoint_id, taken.lane, taken.lease, delivery.seq, delivery.position,"
        "  failures, queued_at, event.id AS event_id, type, body, url, sealed_secret, failing_since"
        " FROM unnest(%(endpoint_ids)s::uuid[], %(lanes)s::uuid[], %(leases)s::bigint[])"
        "   AS taken (endpoint_id, lane, lease)"
        " JOIN webhook_endpoints AS endpoint ON endpoint.id = taken.endpoint_id"
        " CROSS JOIN LATERAL (SELECT * FROM webhook_deliveries AS first"
        "   WHERE (first.endpoint_id, first.lane) = (taken.endpoint_id, taken.lane) ORDER BY seq LIMIT 1) AS delivery"
        " JOIN webhook_events AS event ON (event.tenant_id, event.position) = (delivery.tenant_id, delivery.position)"
        " WHERE endpoint.deleted_at IS NULL",
        _lane_parameters(leases),
    )


async def lock_taken(tx: Tx, leases: Sequence[Lease]) -> list[Lease]:
    """Return those of the lanes that nobody else took since, locked."""
    return await tx.rows(
        Lease,
        "SELECT lane.endpoint_id, lane.lane, lane.lease FROM webhook_lanes AS lane"
        " JOIN unnest(%(endpoint_ids)s::uuid[], %(lanes)s::uuid[], %(leases)s::bigint[])"
        "   AS taken (endpoint_id, lane, lease) USING (endpoint_id, lane, lease)"
        " ORDER BY lane.endpoint_id, lane.lane FOR UPDATE OF lane",
        _lane_parameters(leases),
    )


def _lane_parameters(leases: Sequence[Lease]) -> Mapping[str, object]:
    return {
        "endpoint_ids": [lease.endpoint_id for lease in leases],
        "lanes": [lease.lane for lease in leases],
        "leases": [lease.lease for lease in leases],
    }


async def update_settled(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Let deliveries of locked lanes leave, wait, or step aside, and their lanes go on, or end when they are empty."""
    rows = [
        {
            "endpoint_id": attempt.delivery.endpoint_id,
            "lane": attempt.delivery.lane,
            "seq": attempt.delivery.seq,
            "event_id": attempt.delivery.event_id,
            "step": attempt.outcome.step,
            "due_at": attempt.outcome.due_at,
        }
        for attempt in attempts
    ]
    await tx.execute(
        "WITH made AS MATERIALIZED (SELECT * FROM json_to_recordset(%(rows)s::json) AS made (endpoint_id uuid,"
        "  lane uuid, seq bigint, event_id uuid, step text, due_at timestamptz)"
        "), done AS ("
        "  DELETE FROM webhook_deliveries AS delivery USING made WHERE step = 'done'"
        "    AND (delivery.endpoint_id, delivery.lane, delivery.seq) = (made.endpoint_id, made.lane, made.seq)"
        "), failed AS ("
        "  UPDATE webhook_deliveries AS delivery SET failures = failures + 1,"
        "    lane = CASE step WHEN 'aside' THEN event_id ELSE made.lane END"
        "  FROM made WHERE step <> 'done'"
        "    AND (delivery.endpoint_id, delivery.lane, delivery.seq) = (made.endpoint_id, made.lane, made.seq)"
        "), aside AS ("
        "  INSERT INTO webhook_lanes (endpoint_id, lane, due_at)"
        "  SELECT endpoint_id, event_id, due_at FROM made WHERE step = 'aside' ORDER BY endpoint_id, event_id"
        "  ON CONFLICT DO NOTHING"
        "), going_on AS MATERIALIZED ("
        "  SELECT endpoint_id, lane, CASE step WHEN 'retry' THEN due_at ELSE %(now)s END AS due_at FROM made"
        "  WHERE step = 'retry' OR EXISTS (SELECT FROM webhook_deliveries AS other"
        "    WHERE (other.endpoint_id, other.lane) = (made.endpoint_id, made.lane) AND other.seq <> made.seq)"
        "), ended AS ("
        "  DELETE FROM webhook_lanes AS lane USING made"
        "  WHERE (lane.endpoint_id, lane.lane) = (made.endpoint_id, made.lane)"
        "    AND (made.endpoint_id, made.lane) NOT IN (SELECT endpoint_id, lane FROM going_on)"
        ") UPDATE webhook_lanes AS lane SET due_at = going_on.due_at, is_taken = false FROM going_on"
        " WHERE (lane.endpoint_id, lane.lane) = (going_on.endpoint_id, going_on.lane)",
        {"rows": dump(rows), "now": tx.machine_now},
    )


async def delete_empty(tx: Tx, leases: Sequence[Lease]) -> None:
    """Delete those of these locked lanes that have nothing in them."""
    await tx.execute(
        "DELETE FROM webhook_lanes AS lane USING unnest(%(endpoint_ids)s::uuid[], %(lanes)s::uuid[])"
        "   AS taken (endpoint_id, lane)"
        " WHERE (lane.endpoint_id, lane.lane) = (taken.endpoint_id, taken.lane) AND NOT EXISTS ("
        "   SELECT FROM webhook_deliveries AS delivery"
        "   WHERE (delivery.endpoint_id, delivery.lane) = (lane.endpoint_id, lane.lane))",
        _lane_parameters(leases),
    )


async def update_health(tx: Tx, health: Sequence[Health], patience: timedelta) -> list[UUID]:
    """Note what endpoints were like, disable those that are gone or failed for too long, and return these."""
    rows = [
        {"id": each.endpoint_id, "url": each.url, "is_success": each.is_success, "is_gone": each.is_gone, "at": each.at}
        for each in health
    ]
    return await tx.value(
        "WITH news AS MATERIALIZED (SELECT * FROM json_to_recordset(%(rows)s::json)"
        "  AS news (id uuid, url text, is_success boolean, is_gone boolean, at timestamptz)"
        "), verdict AS MATERIALIZED ("
        "  SELECT endpoint.id, is_enabled AS was_enabled,"
        "    CASE WHEN is_success THEN NULL ELSE coalesce(failing_since, at) END AS failing_since,"
        "    CASE WHEN NOT is_enabled THEN disabled_reason WHEN is_gone THEN %(gone)s"
        "      WHEN NOT is_success AND failing_since <= %(since)s THEN %(failing)s END AS reason"
        "  FROM news JOIN webhook_endpoints AS endpoint USING (id, url)"
        "  ORDER BY endpoint.id FOR NO KEY UPDATE OF endpoint"
        "), written AS ("
        "  UPDATE webhook_endpoints AS endpoint SET failing_since = verdict.failing_since,"
        "    is_enabled = reason IS NULL, disabled_reason = reason,"
        "    disabled_at = CASE WHEN reason IS NULL THEN NULL ELSE coalesce(disabled_at, %(now)s) END"
        "  FROM verdict WHERE endpoint.id = verdict.id"
        ") SELECT coalesce(array_agg(id), '{}') FROM verdict WHERE was_enabled AND reason IS NOT NULL",
        {
            "rows": dump(rows),
            "gone": DisabledReason.GONE,
            "failing": DisabledReason.FAILING,
            "now": tx.machine_now,
            "since": tx.machine_now - patience,
        },
    )


async def lock_stale(tx: Tx, queued_before: datetime, limit: int) -> list[Lease]:
    """Return lanes of any tenants in which something waited for too long, locked, those that others hold left out."""
    return await tx.rows(
        Lease,
        "SELECT held.* FROM (SELECT DISTINCT endpoint_id, lane FROM ("
        "   SELECT endpoint_id, lane FROM webhook_deliveries WHERE queued_at < %s ORDER BY queued_at LIMIT %s) AS stale"
        "   ORDER BY endpoint_id, lane) AS stale"
        " CROSS JOIN LATERAL (SELECT endpoint_id, lane, lease FROM webhook_lanes AS lane"
        "   WHERE (lane.endpoint_id, lane.lane) = (stale.endpoint_id, stale.lane) FOR UPDATE SKIP LOCKED) AS held",
        (queued_before, limit),
    )


async def lock_orphans(tx: Tx, limit: int) -> list[Lease]:
    """Return lanes of any tenants whose endpoint is deleted, locked, those that others hold left out."""
    return await tx.rows(
        Lease,
        "SELECT lane.endpoint_id, lane, lease FROM webhook_endpoints AS endpoint"
        " JOIN webhook_lanes AS lane ON lane.endpoint_id = endpoint.id WHERE deleted_at IS NOT NULL"
        " ORDER BY lane.endpoint_id, lane LIMIT %s FOR UPDATE OF lane SKIP LOCKED",
        (limit,),
    )


async def delete_deliveries(tx: Tx, leases: Sequence[Lease], queued_before: datetime) -> None:
    """Delete what was queued before this in locked lanes, and those of the lanes in which nothing is left."""
    await tx.execute(
        "DELETE FROM webhook_deliveries AS delivery USING unnest(%(endpoint_ids)s::uuid[], %(lanes)s::uuid[])"
        "   AS taken (endpoint_id, lane)"
        " WHERE (delivery.endpoint_id, delivery.lane) = (taken.endpoint_id, taken.lane) AND queued_at < %(before)s",
        {**_lane_parameters(leases), "before": queued_before},
    )
    await delete_empty(tx, leases)
