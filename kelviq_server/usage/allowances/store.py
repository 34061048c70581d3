"""All SQL about allowances and days of usage."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.core.period import Period
from kelviq_server.platform.database import Tx, array
from kelviq_server.platform.json_body import dump
from kelviq_server.usage.allowances.records import Allowance, Day, Locked

_KEY: Mapping[LiteralString, LiteralString] = {"customer_id": "uuid", "feature_id": "uuid", "lineage_id": "uuid"}
_TERMS: Mapping[LiteralString, LiteralString] = {
    "subscription_id": "uuid", "is_granted": "boolean", "ends_at": "timestamptz", "usage_limit": "bigint",
    "is_hard": "boolean", "every": "text", "anchor_at": "timestamptz", "time_zone": "text",
    "carry_percentage": "numeric", "carry_limit": "bigint", "alert_type": "text", "alert_thresholds": "json",
    "is_overridden": "boolean", "override_limit": "bigint", "override_until": "timestamptz", "since": "timestamptz",
    "reset_at": "timestamptz",
}  # fmt: skip
# What counting changes.
_COUNTED: Mapping[LiteralString, LiteralString] = {
    "period_start": "timestamptz", "period_end": "timestamptz", "total": "numeric", "count": "bigint",
    "latest_at": "timestamptz", "held": "bigint", "carried": "bigint", "alerted": "json", "is_whole": "boolean",
}  # fmt: skip
_COLUMNS: Mapping[LiteralString, LiteralString] = {**_KEY, **_TERMS, **_COUNTED}
COLUMNS: LiteralString = ", ".join(_COLUMNS)
# Written by nothing but `update_charged`.
_READ: LiteralString = "charged_until"


def _recordset(columns: Mapping[LiteralString, LiteralString]) -> LiteralString:
    return "(" + ", ".join([name + " " + type for name, type in columns.items()]) + ")"


_LOCKED: LiteralString = (
    "SELECT coalesce(json_agg(locked), '[]') FROM (SELECT " + COLUMNS + ", " + _READ + " FROM allowances"
    " WHERE tenant_id = %s"
)


async def lock_impatiently(tx: Tx, *, is_of_many: bool) -> None:
    """Let nothing in this transaction wait for long: not at all long where it holds what belongs to many customers.

    Who changes a customer's subscription holds other locks before, and may want what this one holds.
    """
    await tx.execute("SELECT set_config('lock_timeout', %s, true)", ("50ms" if is_of_many else "2s",))


async def lock_for_reports(tx: Tx, pairs: Collection[tuple[str, UUID]]) -> Locked:
    """Return the allowances of pairs of the merchant's id of a customer and a feature, locked in one order for all.

    Customers who are archived, or not known, are left out.
    """
    return await tx.decoded(
        Locked,
        "WITH wanted AS (SELECT external_id, feature_id"
        "  FROM unnest(%(customers)s::text[], %(features)s::uuid[]) AS w (external_id, feature_id)"
        "), found AS (SELECT c.id, c.external_id FROM (SELECT DISTINCT external_id FROM wanted) AS w"
        "  JOIN customers AS c ON c.tenant_id = %(tenant_id)s AND c.external_id = w.external_id"
        "   AND c.archived_at IS NULL"
        "), locked AS (SELECT " + ", ".join(["a." + name for name in (*_COLUMNS, _READ)]) + " FROM wanted AS w"
        "  JOIN found AS f USING (external_id)"
        "  JOIN allowances AS a ON a.tenant_id = %(tenant_id)s AND a.customer_id = f.id AND a.feature_id = w.feature_id"
        "   AND (a.is_granted OR a.lineage_id = '00000000-0000-0000-0000-000000000000')"
        "  ORDER BY a.customer_id, a.feature_id, a.lineage_id FOR NO KEY UPDATE OF a"
        ") SELECT json_build_object("
        "  'features', (SELECT count(*) FROM features WHERE tenant_id = %(tenant_id)s),"
        "  'organization', (SELECT organization_id FROM environments WHERE id = %(tenant_id)s),"
        "  'customers', (SELECT coalesce(json_object_agg(external_id, id), '{}') FROM found),"
        "  'allowances', (SELECT coalesce(json_agg(locked), '[]') FROM locked))",
        {
            "tenant_id": tx.tenant_id,
            "customers": [customer for customer, _ in pairs],
            "features": [feature for _, feature in pairs],
        },
    )


async def insert_ungranted(tx: Tx, pairs: Collection[tuple[UUID, UUID]], now: datetime) -> None:
    """Let there be a row for what customers use of features that nothing grants, in one order for all."""
    await tx.execute(
        "INSERT INTO allowances (tenant_id, customer_id, feature_id, lineage_id, is_granted, since)"
        " SELECT %s, customer_id, feature_id, '00000000-0000-0000-0000-000000000000', false, %s"
        " FROM unnest(%s::uuid[], %s::uuid[]) AS p (customer_id, feature_id) ORDER BY customer_id, feature_id"
        " ON CONFLICT DO NOTHING",
        (tx.tenant_id, now, [customer for customer, _ in pairs], [feature for _, feature in pairs]),
    )


async def lock_of_customer(tx: Tx, customer_id: UUID, features: Collection[UUID] | None = None) -> list[Allowance]:
    """Return a customer's allowances, of some features or of all, locked in one order for all."""
    chosen: LiteralString = "" if features is None else " AND feature_id = ANY(%s)"
    parameters = [tx.tenant_id, customer_id, *([] if features is None else [list(features)])]
    return await tx.decoded(
        list[Allowance],
        _LOCKED + " AND customer_id = %s" + chosen + " ORDER BY customer_id, feature_id, lineage_id"
        " FOR NO KEY UPDATE) AS locked",
        parameters,
    )


async def list_of_customer(tx: Tx, customer_id: UUID) -> list[Allowance]:
    """Return a customer's allowances."""
    return await tx.decoded(list[Allowance], _LOCKED + " AND customer_id = %s) AS locked", (tx.tenant_id, customer_id))


async def update_counted(tx: Tx, allowances: Sequence[Allowance]) -> None:
    """Write what was counted of locked allowances."""
    changes: LiteralString = ", ".join([name + " = e." + name for name in _COUNTED])
    await tx.execute(
        "UPDATE allowances AS a SET " + changes + " FROM json_to_recordset(%s::json) AS e "
        + _recordset({**_KEY, **_COUNTED})
        + " WHERE a.tenant_id = %s AND a.customer_id = e.customer_id AND a.feature_id = e.feature_id"
        " AND a.lineage_id = e.lineage_id",
        (_rows(allowances, {**_KEY, **_COUNTED}), tx.tenant_id),
    )  # fmt: skip


async def update_totals(tx: Tx, allowances: Sequence[Allowance]) -> None:
    """Write total and count alone of locked allowances, since most of the time nothing else of them changes."""
    await tx.execute(
        "UPDATE allowances AS a SET total = e.total, count = e.count FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[],"
        "  %s::numeric[], %s::bigint[]) AS e (customer_id, feature_id, lineage_id, total, count)"
        " WHERE a.tenant_id = %s AND a.customer_id = e.customer_id AND a.feature_id = e.feature_id"
        " AND a.lineage_id = e.lineage_id",
        (
            array(each.customer_id for each in allowances),
            array(each.feature_id for each in allowances),
            array(each.lineage_id for each in allowances),
            array(each.total for each in allowances),
            array(each.count for each in allowances),
            tx.tenant_id,
        ),
    )


async def update_whole(tx: Tx, allowances: Sequence[Allowance]) -> None:
    """Write allowances with their terms, new ones too."""
    others: Mapping[LiteralString, LiteralString] = {**_TERMS, **_COUNTED}
    changes: LiteralString = ", ".join([name + " = excluded." + name for name in others])
    await tx.execute(
        "INSERT INTO allowances (tenant_id, " + COLUMNS + ") SELECT %s, " + COLUMNS
        + " FROM json_to_recordset(%s::json) AS e " + _recordset(_COLUMNS)
        + " ORDER BY customer_id, feature_id, lineage_id"
        " ON CONFLICT (tenant_id, customer_id, feature_id, lineage_id) DO UPDATE SET " + changes,
        (tx.tenant_id, _rows(allowances, _COLUMNS)),
    )  # fmt: skip


async def update_values_moved(tx: Tx, granted: Allowance, nothing: Allowance) -> int:
    """Let values that are counted of what nothing granted be known to what grants it now; say how many were not."""
    return await tx.execute(
        "INSERT INTO usage_values (tenant_id, customer_id, feature_id, lineage_id, digest, starts_at, is_moved)"
        " SELECT DISTINCT tenant_id, customer_id, feature_id, %(granted)s::uuid, digest, %(now)s::timestamptz, true"
        " FROM usage_values AS v WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s"
        "  AND feature_id = %(feature_id)s AND lineage_id = %(nothing)s"
        "  AND starts_at >= coalesce(%(nothing_since)s::timestamptz, '-infinity')"
        "  AND NOT EXISTS (SELECT FROM usage_values AS known WHERE known.tenant_id = v.tenant_id"
        "   AND known.customer_id = v.customer_id AND known.feature_id = v.feature_id"
        "   AND known.lineage_id = %(granted)s AND known.digest = v.digest"
        "   AND known.starts_at >= coalesce(%(granted_since)s::timestamptz, '-infinity')) ON CONFLICT DO NOTHING",
        {
            "tenant_id": tx.tenant_id, "customer_id": nothing.customer_id, "feature_id": nothing.feature_id,
            "granted": granted.lineage_id, "granted_since": granted.counted_since(tx.now), "now": tx.now,
            "nothing": nothing.lineage_id, "nothing_since": nothing.counted_since(tx.now),
        },
    )  # fmt: skip


async def insert_holds(tx: Tx, reservation_id: UUID, parts: Sequence[tuple[Allowance, int]]) -> None:
    """Write how much a reservation holds of each of these allowances."""
    await tx.execute(
        "INSERT INTO usage_holds (tenant_id, reservation_id, customer_id, feature_id, lineage_id, amount)"
        " SELECT %s, %s, customer_id, feature_id, lineage_id, amount"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[])"
        "  AS e (customer_id, feature_id, lineage_id, amount)",
        (
            tx.tenant_id,
            reservation_id,
            array(each.customer_id for each, _ in parts),
            array(each.feature_id for each, _ in parts),
            array(each.lineage_id for each, _ in parts),
            array(amount for _, amount in parts),
        ),
    )


async def delete_holds(tx: Tx, reservations: Collection[UUID]) -> None:
    """Let reservations hold nothing any more of locked allowances."""
    await tx.execute(
        "WITH gone AS (DELETE FROM usage_holds WHERE tenant_id = %(tenant_id)s AND reservation_id = ANY(%(ids)s)"
        "  RETURNING customer_id, feature_id, lineage_id, amount"
        "), of_each AS (SELECT customer_id, feature_id, lineage_id, sum(amount)::bigint AS amount FROM gone"
        "  GROUP BY customer_id, feature_id, lineage_id)"
        " UPDATE allowances AS a SET held = a.held - e.amount FROM of_each AS e WHERE a.tenant_id = %(tenant_id)s"
        "  AND a.customer_id = e.customer_id AND a.feature_id = e.feature_id AND a.lineage_id = e.lineage_id",
        {"tenant_id": tx.tenant_id, "ids": list(reservations)},
    )


async def update_holds_moved(tx: Tx, granted: Allowance) -> None:
    """Let what is held of what nothing granted be held of what grants it now."""
    await tx.execute(
        "UPDATE usage_holds SET lineage_id = %s WHERE tenant_id = %s AND customer_id = %s AND feature_id = %s"
        " AND lineage_id = '00000000-0000-0000-0000-000000000000'",
        (granted.lineage_id, tx.tenant_id, granted.customer_id, granted.feature_id),
    )


def _rows(allowances: Sequence[Allowance], columns: Mapping[LiteralString, LiteralString]) -> str:
    return dump([{name: getattr(each, name) for name in columns} for each in allowances])


_ADDED: LiteralString = "total = d.total + excluded.total, count = d.count + excluded.count"
# How a day that is there already is joined by what is new: added to, unless a meter keeps something else than a sum.
JOINED: Mapping[Aggregation, LiteralString] = {
    Aggregation.MAX: "total = greatest(d.total, excluded.total), count = d.count + excluded.count",
    Aggregation.LATEST: (
        "total = CASE WHEN excluded.latest_at >= d.latest_at THEN excluded.total ELSE d.total END,"
        " latest_at = greatest(d.latest_at, excluded.latest_at), count = d.count + excluded.count"
    ),
}


async def update_days(tx: Tx, days: Sequence[Day], aggregation: Aggregation = Aggregation.SUM) -> None:
    """Add to what was used day by day; of a day of which nothing is known yet a row is made."""
    await tx.execute(
        "INSERT INTO usage_days AS d (tenant_id, customer_id, feature_id, lineage_id, starts_at, total, count,"
        "  latest_at)"
        " SELECT %s, customer_id, feature_id, lineage_id, starts_at, total, count, latest_at FROM unnest(%s::uuid[],"
        "  %s::uuid[], %s::uuid[], %s::timestamptz[], %s::numeric[], %s::bigint[], %s::timestamptz[])"
        "  AS e (customer_id, feature_id, lineage_id, starts_at, total, count, latest_at)"
        " ORDER BY customer_id, feature_id, lineage_id, starts_at"
        " ON CONFLICT (tenant_id, customer_id, feature_id, lineage_id, starts_at) DO UPDATE SET "
        + JOINED.get(aggregation, _ADDED),
        (
            tx.tenant_id,
            array(day.customer_id for day in days),
            array(day.feature_id for day in days),
            array(day.lineage_id for day in days),
            array(day.starts_at for day in days),
            array(day.total for day in days),
            array(day.count for day in days),
            array(day.latest_at for day in days),
        ),
    )


async def update_behind(tx: Tx, counted: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """Note that something was counted in periods that were invoiced: subscription, feature and instant of each."""
    rows = [{"lineage_id": lineage, "feature_id": feature, "at": at} for lineage, feature, at in counted]
    await tx.execute(
        "UPDATE usage_charges AS c SET is_behind = true FROM json_to_recordset(%s::json) AS e"
        " (lineage_id uuid, feature_id uuid, at timestamptz) WHERE c.tenant_id = %s AND c.lineage_id = e.lineage_id"
        " AND c.feature_id = e.feature_id AND c.period_start <= e.at AND e.at < c.period_end",
        (dump(rows), tx.tenant_id),
    )


async def update_charged(tx: Tx, customer_id: UUID, lineage_id: UUID, charged: Mapping[UUID, datetime]) -> None:
    """Note until when usage of a subscription was charged, by feature; the rows are locked."""
    await tx.execute(
        "UPDATE allowances AS a SET charged_until = greatest(a.charged_until, c.charged_until)"
        " FROM unnest(%s::uuid[], %s::timestamptz[]) AS c (feature_id, charged_until)"
        " WHERE a.tenant_id = %s AND a.customer_id = %s AND a.feature_id = c.feature_id AND a.lineage_id = %s",
        (array(charged), array(charged.values()), tx.tenant_id, customer_id, lineage_id),
    )


async def find_organization_number(tx: Tx) -> int:
    """Return the number of the organization whose environment it is."""
    return await tx.value("SELECT organization_id FROM environments WHERE id = %s", (tx.tenant_id,))


async def find_used(
    tx: Tx, customer_id: UUID, feature_id: UUID, lineage_id: UUID, period: Period, aggregation: Aggregation
) -> tuple[Decimal, int]:
    """Return total and count of what was used within a period that is made of whole rows, as a meter keeps them."""
    values = (tx.tenant_id, customer_id, feature_id, lineage_id, period.start, period.end)
    within: LiteralString = (
        " WHERE tenant_id = %s AND customer_id = %s AND feature_id = %s AND lineage_id = %s AND starts_at >= %s"
        " AND starts_at < %s"
    )
    if aggregation is Aggregation.UNIQUE:
        counted: LiteralString = "SELECT count(DISTINCT digest) FROM usage_values" + within + " AND NOT is_moved"
        return Decimal(0), await tx.value(counted, values)
    kept: LiteralString = "sum(total)"
    if aggregation is Aggregation.MAX:
        kept = "max(total)"
    elif aggregation is Aggregation.LATEST:
        kept = "(array_agg(total ORDER BY latest_at DESC))[1]"
    cursor = await tx.connection.execute(
        "SELECT coalesce(" + kept + ", 0), coalesce(sum(count), 0)::bigint FROM usage_days" + within, values
    )
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def list_known_values(
    tx: Tx, values: Sequence[tuple[Allowance, bytes]], now: datetime
) -> dict[tuple[UUID, UUID, UUID], set[bytes]]:
    """Return which of these values were counted already in the current periods of their allowances."""
    found: list[list[str]] = await tx.value(
        "SELECT coalesce(json_agg(DISTINCT jsonb_build_array(v.customer_id, v.feature_id, v.lineage_id,"
        "  encode(v.digest, 'hex'))), '[]') FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[],"
        "  %s::timestamptz[]) AS w (customer_id, feature_id, lineage_id, digest, since)"
        " JOIN usage_values AS v ON v.tenant_id = %s AND v.customer_id = w.customer_id AND v.feature_id = w.feature_id"
        "  AND v.lineage_id = w.lineage_id AND v.digest = w.digest"
        "  AND v.starts_at >= coalesce(w.since, '-infinity'::timestamptz)",
        (
            array(each.customer_id for each, _ in values),
            array(each.feature_id for each, _ in values),
            array(each.lineage_id for each, _ in values),
            array(r"\\x" + digest.hex() for _, digest in values),
            array(each.counted_since(now) for each, _ in values),
            tx.tenant_id,
        ),
    )
    known: dict[tuple[UUID, UUID, UUID], set[bytes]] = {}
    for customer, feature, lineage, digest in found:
        known.setdefault((UUID(customer), UUID(feature), UUID(lineage)), set()).add(bytes.fromhex(digest))
    return known


async def insert_values(tx: Tx, values: Sequence[tuple[Day, bytes]]) -> None:
    """Note values that a meter has counted, each once a day."""
    rows = [
        {
            "customer_id": day.customer_id,
            "feature_id": day.feature_id,
            "lineage_id": day.lineage_id,
            "starts_at": day.starts_at,
            "digest": digest.hex(),
        }
        for day, digest in values
    ]
    await tx.execute(
        "INSERT INTO usage_values (tenant_id, customer_id, feature_id, lineage_id, digest, starts_at)"
        " SELECT DISTINCT %s, customer_id, feature_id, lineage_id, decode(digest, 'hex'), starts_at"
        " FROM json_to_recordset(%s::json) AS e (customer_id uuid, feature_id uuid, lineage_id uuid, digest text,"
        "  starts_at timestamptz) ORDER BY 2, 3, 4, 5, 6"
        " ON CONFLICT (tenant_id, customer_id, feature_id, lineage_id, digest, starts_at)"
        "  DO UPDATE SET is_moved = false WHERE usage_values.is_moved",
        (tx.tenant_id, dump(rows)),
    )
