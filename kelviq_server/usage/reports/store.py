"""All SQL about what was reported, and under which keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from kelviq_server.platform.database import Tx, array
from kelviq_server.platform.json_body import dump
from kelviq_server.usage.reports.records import UsageEvent, UsedKey

_COLUMNS: LiteralString = (
    "id, customer_id, key, event_name, happened_at, received_at, feature_id, behaviour, value, beyond,"
    " properties, resource_id, counted"
)


async def insert_keys(tx: Tx, keys: Sequence[UsedKey]) -> list[UsedKey]:
    """Take keys for reports, in one order for all; return those that are taken, with what was reported under them."""
    taken = await tx.execute(
        "INSERT INTO usage_keys (tenant_id, key, event_id, digest) SELECT %s, key, event_id, digest"
        " FROM unnest(%s::text[], %s::uuid[], %s::bytea[]) AS e (key, event_id, digest) ORDER BY key"
        " ON CONFLICT DO NOTHING",
        (
            tx.tenant_id,
            [each.key for each in keys],
            array(each.event_id for each in keys),
            array(r"\\x" + each.digest.hex() for each in keys),
        ),
    )
    if taken == len(keys):
        return []
    ids = {each.event_id for each in keys}
    return [each for each in await list_keys(tx, [each.key for each in keys]) if each.event_id not in ids]


async def list_keys(tx: Tx, keys: Collection[str]) -> list[UsedKey]:
    """Return keys under which something was reported."""
    return await tx.rows(
        UsedKey,
        "SELECT key, event_id, digest FROM usage_keys WHERE tenant_id = %s AND key = ANY(%s)",
        (tx.tenant_id, list(keys)),
    )


async def delete_keys(tx: Tx, keys: Collection[str]) -> None:
    """Give keys back under which nothing was counted after all."""
    await tx.execute("DELETE FROM usage_keys WHERE tenant_id = %s AND key = ANY(%s)", (tx.tenant_id, list(keys)))


async def insert_events(tx: Tx, events: Sequence[UsageEvent]) -> None:
    """Keep what was reported."""
    texts = [(each.key, each.event_name, each.resource_id, each.properties, each.counted) for each in events]
    await tx.execute(
        "INSERT INTO usage_events (tenant_id, id, customer_id, happened_at, received_at, feature_id, behaviour, value,"
        "  beyond, key, event_name, resource_id, properties, counted)"
        " SELECT %s, id, customer_id, happened_at, received_at, feature_id, behaviour, value, beyond, said ->> 0,"
        "  said ->> 1, said ->> 2, CASE WHEN json_typeof(said -> 3) = 'object' THEN said -> 3 END, said -> 4"
        " FROM ROWS FROM (unnest(%s::uuid[]), unnest(%s::uuid[]), unnest(%s::timestamptz[]), unnest(%s::timestamptz[]),"
        "  unnest(%s::uuid[]), unnest(%s::text[]), unnest(%s::bigint[]), unnest(%s::bigint[]),"
        "  json_array_elements(%s::json))"
        "  AS e (id, customer_id, happened_at, received_at, feature_id, behaviour, value, beyond, said)",
        (
            tx.tenant_id,
            array(each.id for each in events),
            array(each.customer_id for each in events),
            array(each.happened_at for each in events),
            array(each.received_at for each in events),
            array(each.feature_id for each in events),
            array(each.behaviour for each in events),
            array(each.value for each in events),
            array(each.beyond for each in events),
            dump(texts),
        ),
    )


async def insert_partition(tx: Tx, at: datetime) -> None:
    """Let there be room of its own for what is reported in the month of an instant of machine time."""
    await tx.execute("SELECT set_config('lock_timeout', '200ms', true), pg_advisory_xact_lock(hashtext('usage'))")
    await tx.execute("SELECT make_usage_partition(%s)", (at,))


async def list_events(tx: Tx, ids: Collection[UUID]) -> list[UsageEvent]:
    """Return what was reported under these ids."""
    return await tx.decoded(
        list[UsageEvent],
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT " + _COLUMNS + " FROM usage_events"
        " WHERE tenant_id = %s AND id = ANY(%s)) AS found",
        (tx.tenant_id, list(ids)),
    )


async def list_events_after(tx: Tx, after: UUID | None, limit: int) -> list[UsageEvent]:
    """Return so many reports with higher ids than one, or the first, in the order of their ids."""
    return await tx.decoded(
        list[UsageEvent],
        "SELECT coalesce(json_agg(event), '[]') FROM (SELECT " + _COLUMNS + " FROM usage_events"
        " WHERE tenant_id = %s AND id > coalesce(%s::uuid, '00000000-0000-0000-0000-000000000000')"
        " ORDER BY id LIMIT %s) AS event",
        (tx.tenant_id, after, limit),
    )
