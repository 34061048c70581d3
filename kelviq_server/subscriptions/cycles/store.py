"""All SQL about what falls due of subscriptions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, LiteralString
from uuid import UUID

from kelviq_server.platform.database import Tx

# The earliest instant at which something is due of the tenant whose id is `tenant.id`.
NEXT_DUE: Final[LiteralString] = (
    "SELECT due_at FROM subscriptions AS s WHERE s.tenant_id = tenant.id AND due_at IS NOT NULL ORDER BY due_at LIMIT 1"
)


async def lock_due(tx: Tx, limit: int, lease: timedelta) -> Sequence[UUID]:
    """Return records of which something is due, the earliest first; nobody else takes them until the lease ends."""
    ids: list[UUID] = await tx.value(
        "WITH due AS MATERIALIZED (SELECT id FROM subscriptions WHERE tenant_id = %(tenant_id)s"
        "  AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until < %(machine_now)s)"
        "  ORDER BY due_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"
        "), taken AS (UPDATE subscriptions SET leased_until = %(until)s"
        "  WHERE tenant_id = %(tenant_id)s AND id = ANY(ARRAY(SELECT id FROM due)) RETURNING id, due_at)"
        " SELECT coalesce(array_agg(id ORDER BY due_at, id), '{}') FROM taken",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "machine_now": tx.machine_now,
            "until": tx.machine_now + lease,
            "limit": limit,
        },
    )
    return ids


async def update_released(tx: Tx, *ids: UUID) -> None:
    """Leave records to whoever comes next; what somebody has locked is in good hands."""
    await tx.execute(
        "UPDATE subscriptions SET leased_until = NULL WHERE tenant_id = %(tenant_id)s AND id = ANY(ARRAY("
        " SELECT id FROM subscriptions WHERE tenant_id = %(tenant_id)s AND id = ANY(%(ids)s)"
        " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED))",
        {"tenant_id": tx.tenant_id, "ids": list(ids)},
    )


async def update_waiting(tx: Tx, id: UUID) -> None:
    """Let no clock wait any longer for a payment whose end is told later."""
    await tx.execute(
        "UPDATE subscriptions SET collecting_since = NULL, leased_until = NULL WHERE tenant_id = %s AND id = %s",
        (tx.tenant_id, id),
    )
