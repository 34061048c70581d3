"""All SQL of verifying usage. Each question is one statement, so that it holds while others write."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from kelviq_server.platform.database import Tx

# How each meter makes one number of many.
_METERS: LiteralString = (
    "SELECT id AS feature_id, CASE WHEN feature_details ->> 'featureSubType' = 'RAW_EVENTS'"
    "  THEN meter -> 'aggregation' ->> 'function' ELSE 'SUM' END AS aggregation"
    " FROM features WHERE tenant_id = %(tenant_id)s AND feature_type = 'METER'"
)
# What was counted of each report, with those first that happened last in their day.
_SHARES: LiteralString = (
    "SELECT e.customer_id, s.feature_id, s.lineage_id, s.starts_at, s.value, rank() OVER (PARTITION BY e.customer_id,"
    "   s.feature_id, s.lineage_id, s.starts_at ORDER BY e.happened_at DESC) AS latest"
    " FROM usage_events AS e CROSS JOIN LATERAL json_to_recordset(e.counted)"
    "  AS s (feature_id uuid, lineage_id uuid, starts_at timestamptz, value numeric) WHERE e.tenant_id = %(tenant_id)s"
)
# Of what was used in the days of a stretch of time, as `d`: total and count, as an allowance keeps them.
_TOTAL: LiteralString = (
    "coalesce(CASE m.aggregation WHEN 'UNIQUE' THEN 0 WHEN 'MAX' THEN max(d.total)"
    "  WHEN 'LATEST' THEN (array_agg(d.total ORDER BY d.latest_at DESC))[1] ELSE sum(d.total) END, 0)"
)
_DIFFERENT: LiteralString = (
    "(SELECT count(DISTINCT v.digest) FROM usage_values AS v WHERE v.tenant_id = %(tenant_id)s AND NOT v.is_moved"
    "  AND v.customer_id = a.customer_id AND v.feature_id = a.feature_id AND v.lineage_id = a.lineage_id"
)
# Each selects what, id, expected and found of everything that differs, by the tenant's id.
QUESTIONS: Final[tuple[LiteralString, ...]] = (
    # A day is what was counted in it. Of several that happened last at one instant any may be the latest.
    "SELECT 'usage of day', concat_ws(' ', coalesce(s.customer_id, d.customer_id),"
    "   coalesce(s.feature_id, d.feature_id), coalesce(s.lineage_id, d.lineage_id),"
    "   coalesce(s.starts_at, d.starts_at)),"
    "  json_build_array(trim_scale(CASE m.aggregation WHEN 'MAX' THEN s.highest"
    "    WHEN 'LATEST' THEN CASE WHEN d.total = ANY(s.last) THEN d.total ELSE s.last[1] END ELSE s.total END),"
    "   CASE m.aggregation WHEN 'UNIQUE' THEN s.total ELSE s.count END)::text,"
    "  json_build_array(trim_scale(d.total), d.count)::text"
    " FROM (SELECT customer_id, feature_id, lineage_id, starts_at, sum(value) AS total, max(value) AS highest,"
    "   count(*) AS count, array_agg(value) FILTER (WHERE latest = 1) AS last FROM (" + _SHARES + ") AS share"
    "   GROUP BY customer_id, feature_id, lineage_id, starts_at) AS s"
    " FULL JOIN (SELECT * FROM usage_days WHERE tenant_id = %(tenant_id)s) AS d ON d.customer_id = s.customer_id"
    "  AND d.feature_id = s.feature_id AND d.lineage_id = s.lineage_id AND d.starts_at = s.starts_at"
    " LEFT JOIN (" + _METERS + ") AS m ON m.feature_id = coalesce(s.feature_id, d.feature_id)",
    # A counter is what the days of its period come to, where nothing else came to it.
    "SELECT 'usage of period', concat_ws(' ', a.customer_id, a.feature_id, a.lineage_id, a.period_start),"
    "  json_build_array(trim_scale(" + _TOTAL + "), CASE m.aggregation WHEN 'UNIQUE' THEN " + _DIFFERENT +
    "    AND v.starts_at >= coalesce(a.period_start, '-infinity') AND v.starts_at < coalesce(a.period_end, 'infinity'))"
    "   ELSE coalesce(sum(d.count), 0) END)::text,"
    "  json_build_array(trim_scale(a.total), a.count)::text"
    " FROM allowances AS a JOIN (" + _METERS + ") AS m ON m.feature_id = a.feature_id"
    " LEFT JOIN usage_days AS d ON d.tenant_id = a.tenant_id AND d.customer_id = a.customer_id"
    "  AND d.feature_id = a.feature_id AND d.lineage_id = a.lineage_id"
    "  AND d.starts_at >= coalesce(a.period_start, '-infinity') AND d.starts_at < coalesce(a.period_end, 'infinity')"
    " WHERE a.tenant_id = %(tenant_id)s AND a.is_whole GROUP BY a.tenant_id, a.customer_id, a.feature_id, a.lineage_id,"
    "  m.aggregation",
    # What was charged is what was used, unless the next invoice is to make up for it. Averages are not exact here.
    "SELECT 'charged for usage', concat_ws(' ', c.lineage_id, c.feature_id, c.period_start), CASE m.aggregation"
    "   WHEN 'UNIQUE' THEN " + _DIFFERENT + " AND v.starts_at >= c.period_start AND v.starts_at < c.period_end)"
    "   WHEN 'COUNT' THEN coalesce(sum(d.count), 0)"
    "   ELSE least(greatest(round(" + _TOTAL + "), 0), 9223372036854775807) END::text, c.quantity::text"
    " FROM usage_charges AS c JOIN (" + _METERS + ") AS m ON m.feature_id = c.feature_id AND m.aggregation <> 'AVG'"
    " JOIN allowances AS a ON a.tenant_id = c.tenant_id AND a.feature_id = c.feature_id AND a.lineage_id = c.lineage_id"
    " LEFT JOIN usage_days AS d ON d.tenant_id = a.tenant_id AND d.customer_id = a.customer_id"
    "  AND d.feature_id = a.feature_id AND d.lineage_id = a.lineage_id"
    "  AND d.starts_at >= c.period_start AND d.starts_at < c.period_end"
    " WHERE c.tenant_id = %(tenant_id)s AND NOT c.is_behind GROUP BY c.tenant_id, c.lineage_id, c.feature_id,"
    "  c.period_start, a.tenant_id, a.customer_id, a.feature_id, a.lineage_id, m.aggregation",
    # Each report that bore a key has it, and each key its report.
    "SELECT 'report of key', coalesce(e.key, k.key), coalesce(e.id::text, 'none'), coalesce(k.event_id::text, 'none')"
    " FROM (SELECT key, id FROM usage_events WHERE tenant_id = %(tenant_id)s AND key IS NOT NULL) AS e"
    " FULL JOIN (SELECT key, event_id FROM usage_keys WHERE tenant_id = %(tenant_id)s) AS k ON k.key = e.key",
)  # fmt: skip


async def list_created(tx: Tx) -> Mapping[UUID, datetime]:
    """Return when each feature was created."""
    return await tx.decoded(
        dict[UUID, datetime],
        "SELECT coalesce(json_object_agg(id, created_at), '{}') FROM features WHERE tenant_id = %s",
        (tx.tenant_id,),
    )
