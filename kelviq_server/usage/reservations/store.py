"""All SQL about reservations."""

from collections.abc import Collection
from typing import Final, LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.usage.reservations.records import Due, Reservation

NEXT_DUE: Final[LiteralString] = (
    "SELECT expires_at FROM reservations AS r WHERE r.tenant_id = tenant.id AND status = 'HELD'"
    " ORDER BY expires_at LIMIT 1"
)
QUESTIONS: Final[tuple[LiteralString, ...]] = (
    # Of an allowance as much is held as reservations hold of it.
    "SELECT 'held of allowance', customer_id || ' ' || feature_id || ' ' || lineage_id, sum(parts)::text,"
    "  sum(held)::text FROM ("
    "  SELECT customer_id, feature_id, lineage_id, amount AS parts, 0 AS held FROM usage_holds"
    "   WHERE tenant_id = %(tenant_id)s"
    "  UNION ALL SELECT customer_id, feature_id, lineage_id, 0, held FROM allowances"
    "   WHERE tenant_id = %(tenant_id)s AND held > 0"
    ") AS both_sides GROUP BY customer_id, feature_id, lineage_id",
    # A reservation holds what it says, and nothing once it has ended.
    "SELECT 'held by reservation', r.id::text, CASE WHEN r.status = 'HELD' THEN r.amount ELSE 0 END::text,"
    "  coalesce(sum(h.amount), 0)::text FROM reservations AS r LEFT JOIN usage_holds AS h"
    "  ON h.tenant_id = r.tenant_id AND h.reservation_id = r.id AND h.customer_id = r.customer_id"
    "   AND h.feature_id = r.feature_id"
    " WHERE r.tenant_id = %(tenant_id)s GROUP BY r.tenant_id, r.id",
    # What was used of a settled one is reported.
    "SELECT 'settled by reservation', r.id::text, r.value::text, coalesce(e.value::text, 'nothing')"
    " FROM reservations AS r"
    " LEFT JOIN usage_keys AS k ON k.tenant_id = r.tenant_id AND k.key = 'reservation:' || r.id"
    " LEFT JOIN usage_events AS e ON e.tenant_id = k.tenant_id AND e.id = k.event_id"
    "  AND e.customer_id = r.customer_id AND e.feature_id = r.feature_id"
    " WHERE r.tenant_id = %(tenant_id)s AND r.status = 'SETTLED'",
)
_FOUND: LiteralString = (
    "SELECT r.id, r.customer_id, r.feature_id, c.external_id AS customer, f.identifier AS feature, r.amount, r.status,"
    "  r.value, r.created_at, r.expires_at, r.ended_at FROM reservations AS r"
    " JOIN customers AS c ON c.tenant_id = r.tenant_id AND c.id = r.customer_id"
    " JOIN features AS f ON f.tenant_id = r.tenant_id AND f.id = r.feature_id WHERE r.tenant_id = %s"
)


async def get_reservation(tx: Tx, id: UUID) -> Reservation:
    """Return a reservation; raises NotFound."""
    found = await tx.row(Reservation, _FOUND + " AND r.id = %s", (tx.tenant_id, id))
    if found is None:
        raise NotFound
    return found


async def lock_reservation(tx: Tx, id: UUID) -> Reservation:
    """Return a reservation that nobody else ends until this transaction does; raises NotFound."""
    await tx.execute("SELECT FROM reservations WHERE tenant_id = %s AND id = %s FOR UPDATE", (tx.tenant_id, id))
    return await get_reservation(tx, id)


async def find_by_key(tx: Tx, key: str) -> Reservation | None:
    """Return the reservation that was made under a key, if any."""
    return await tx.row(Reservation, _FOUND + " AND r.key = %s", (tx.tenant_id, key))


async def insert_reservation(tx: Tx, new: Reservation, key: str | None) -> bool:
    """Write a reservation, and say whether its key was free."""
    written = await tx.execute(
        "INSERT INTO reservations (tenant_id, id, customer_id, feature_id, key, amount, status, created_at, expires_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, key) WHERE key IS NOT NULL DO NOTHING",
        (
            tx.tenant_id, new.id, new.customer_id, new.feature_id, key, new.amount, new.status, new.created_at,
            new.expires_at,
        ),
    )  # fmt: skip
    return bool(written)


async def list_due(tx: Tx, limit: int) -> list[Due]:
    """Return reservations whose time is over, the earliest first."""
    return await tx.rows(
        Due,
        "SELECT id, customer_id, feature_id FROM reservations WHERE tenant_id = %s AND status = 'HELD'"
        " AND expires_at <= %s ORDER BY expires_at, id LIMIT %s",
        (tx.tenant_id, tx.now, limit),
    )


async def update_ended(tx: Tx, ended: Reservation) -> None:
    """Write how a locked reservation ended."""
    await tx.execute(
        "UPDATE reservations SET status = %s, value = %s, ended_at = %s WHERE tenant_id = %s AND id = %s",
        (ended.status, ended.value, ended.ended_at, tx.tenant_id, ended.id),
    )


async def update_expired(tx: Tx, ids: Collection[UUID]) -> int:
    """Note that the time of reservations is over; return of how many something was still held."""
    return await tx.execute(
        "UPDATE reservations SET status = 'EXPIRED', ended_at = expires_at"
        " WHERE tenant_id = %s AND id = ANY(%s) AND status = 'HELD'",
        (tx.tenant_id, list(ids)),
    )
