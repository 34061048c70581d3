"""All SQL about usage that is charged."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.usage.charges.records import UsageCharge

# Of one invoice: what is reported late is of the last few periods.
MAX_BEHIND = 100


async def insert_charges(tx: Tx, lineage_id: UUID, charges: Sequence[UsageCharge]) -> None:
    """Note what is charged of a subscription's usage, in place of what was noted of the same period before."""
    rows = [
        {
            "feature_id": each.feature_id,
            "period_start": each.period.start,
            "period_end": each.period.end,
            "quantity": each.quantity,
            "price_id": each.price_id,
        }
        for each in charges
    ]
    await tx.execute(
        "INSERT INTO usage_charges (tenant_id, lineage_id, feature_id, period_start, period_end, quantity, price_id)"
        " SELECT %s, %s, feature_id, period_start, period_end, quantity, price_id FROM json_to_recordset(%s::json)"
        "  AS e (feature_id uuid, period_start timestamptz, period_end timestamptz, quantity bigint, price_id uuid)"
        " ON CONFLICT (tenant_id, lineage_id, feature_id, period_start) DO UPDATE SET"
        "  period_end = excluded.period_end, quantity = excluded.quantity, price_id = excluded.price_id,"
        "  is_behind = false",
        (tx.tenant_id, lineage_id, dump(rows)),
    )


async def list_behind(tx: Tx, lineage_id: UUID) -> list[UsageCharge]:
    """Return what was charged of periods in which something was counted since, the earliest first."""
    return await tx.decoded(
        list[UsageCharge],
        "SELECT coalesce(json_agg(json_build_object('feature_id', feature_id, 'quantity', quantity, 'price_id',"
        "  price_id, 'period', json_build_object('start', period_start, 'end', period_end))), '[]') FROM ("
        " SELECT * FROM usage_charges WHERE tenant_id = %s AND lineage_id = %s AND is_behind"
        "  ORDER BY period_start, feature_id LIMIT %s) AS c",
        (tx.tenant_id, lineage_id, MAX_BEHIND),
    )
