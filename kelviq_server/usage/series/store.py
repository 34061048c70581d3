"""All SQL about what was used as time went by."""

from typing import LiteralString
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.platform.database import Tx
from kelviq_server.usage.series.records import Stretch, Used

_KEPT: dict[Aggregation, LiteralString] = {
    Aggregation.MAX: "max(total)",
    Aggregation.LATEST: "(array_agg(total ORDER BY latest_at DESC))[1]",
}
_WITHIN: LiteralString = (
    " WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s AND feature_id = %(feature_id)s"
    " AND starts_at >= (%(starts)s::date[])[1] AND starts_at < %(end)s::date"
)
# Sessions of ours are in UTC, and so is the midnight of a date.
_PLACE: LiteralString = "width_bucket(starts_at, %(starts)s::date[]::timestamptz[])"


async def list_used(
    tx: Tx, customer_id: UUID, feature_id: UUID, stretch: Stretch, aggregation: Aggregation
) -> list[Used]:
    """Return what a meter has kept of what a customer used, in those points in which anything was used."""
    kept, source = _KEPT.get(aggregation, "sum(total)"), "usage_days" + _WITHIN
    count: LiteralString = "sum(count)::bigint"
    if aggregation is Aggregation.UNIQUE:
        kept, count, source = "0::numeric", "count(DISTINCT digest)", "usage_values" + _WITHIN + " AND NOT is_moved"
    return await tx.rows(
        Used,
        "SELECT " + _PLACE + " AS place, " + kept + " AS total, " + count + " AS count FROM " + source
        + " GROUP BY place",
        {
            "tenant_id": tx.tenant_id,
            "customer_id": customer_id,
            "feature_id": feature_id,
            "starts": list(stretch.starts),
            "end": stretch.end,
        },
    )  # fmt: skip
