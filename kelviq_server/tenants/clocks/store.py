"""All SQL about clocks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tenant, Tx
from kelviq_server.platform.due import DueWork
from kelviq_server.tenants.clocks.records import Advance, Clock


async def get_clock(tx: Tx) -> Clock:
    """Return the tenant's clock; raises NotFound for production, which has none of its own."""
    clock = await tx.row(
        Clock,
        "SELECT coalesce(frozen_at, %s::timestamptz + ahead) AS now, frozen_at, advance_id, target, carried_out,"
        " fruitless, failure FROM clocks WHERE tenant_id = %s",
        (tx.machine_now, tx.tenant_id),
    )
    if clock is None:
        raise NotFound
    return clock


async def lock_clock(tx: Tx) -> Clock:
    """Return the clock, which nobody else moves until this transaction ends; raises NotFound."""
    await tx.execute("SELECT FROM clocks WHERE tenant_id = %s FOR UPDATE", (tx.tenant_id,))
    # By a machine time that is read now: whoever waited would see the time before the one who came first.
    return await get_clock(tx)


async def update_frozen(tx: Tx, at: datetime) -> None:
    """Let the clock stand still at this instant."""
    await tx.execute("UPDATE clocks SET frozen_at = %s WHERE tenant_id = %s", (at, tx.tenant_id))


async def update_released(tx: Tx) -> None:
    """Let a clock run on from where it stands; one that runs goes on."""
    await tx.execute(
        "UPDATE clocks SET ahead = frozen_at - %s, frozen_at = NULL WHERE tenant_id = %s AND frozen_at IS NOT NULL",
        (tx.machine_now, tx.tenant_id),
    )


async def update_advance(tx: Tx, id: UUID, clock: Clock, target: datetime, lease: timedelta) -> None:
    """Begin an advance of a locked clock, for which it stands still where it is."""
    await tx.execute(
        "UPDATE clocks SET frozen_at = %(now)s, advance_id = %(id)s, target = %(target)s, carried_out = 0,"
        "  fruitless = 0, failure = NULL, leased_until = %(machine_now)s::timestamptz + %(lease)s"
        " WHERE tenant_id = %(tenant_id)s",
        {
            "tenant_id": tx.tenant_id,
            "now": clock.now,
            "id": id,
            "target": target,
            "machine_now": tx.machine_now,
            "lease": lease,
        },
    )


async def update_step(tx: Tx, at: datetime, carried_out: int, lease: timedelta) -> None:
    """Set a locked clock to the next instant of its advance, and count what was carried out at the one before."""
    await tx.execute(
        "UPDATE clocks SET frozen_at = %(at)s, carried_out = carried_out + %(carried_out)s,"
        "  fruitless = CASE WHEN frozen_at < %(at)s OR %(carried_out)s > 0 THEN 0 ELSE fruitless + 1 END,"
        "  leased_until = %(machine_now)s::timestamptz + %(lease)s"
        " WHERE tenant_id = %(tenant_id)s",
        {
            "tenant_id": tx.tenant_id,
            "at": at,
            "carried_out": carried_out,
            "machine_now": tx.machine_now,
            "lease": lease,
        },
    )


async def update_arrived(tx: Tx, failure: str | None = None) -> None:
    """End the advance of a locked clock where it stands, with what stopped it, if anything did."""
    await tx.execute(
        "UPDATE clocks SET target = NULL, leased_until = NULL, failure = %s WHERE tenant_id = %s",
        (failure, tx.tenant_id),
    )


async def lock_advance(tx: Tx, lease: timedelta) -> Advance | None:
    """Return an advance that nobody carries on, leased from now on; None when there is none."""
    tenant = await tx.row(
        Tenant,
        "UPDATE clocks SET leased_until = %(machine_now)s::timestamptz + %(lease)s WHERE tenant_id = ("
        "  SELECT tenant_id FROM clocks WHERE leased_until <= %(machine_now)s"
        "  ORDER BY leased_until LIMIT 1 FOR UPDATE SKIP LOCKED"
        ") RETURNING tenant_id AS id, true AS has_own_clock, (SELECT o.identifier FROM environments e"
        "  JOIN organizations o ON o.id = e.organization_id WHERE e.id = tenant_id) AS organization",
        {"machine_now": tx.machine_now, "lease": lease},
    )
    if tenant is None:
        return None
    return Advance(await tx.value("SELECT advance_id FROM clocks WHERE tenant_id = %s", (tenant.id,)), tenant)


async def list_next_due(tx: Tx, works: Sequence[DueWork]) -> list[datetime | None]:
    """Return for each kind of work the earliest instant at which something of this tenant is due."""
    columns: LiteralString = ", ".join([f"({work.next_due})" for work in works])
    return await tx.value(
        "SELECT ARRAY[" + columns + "]::timestamptz[] FROM (SELECT %s::integer AS id) AS tenant", (tx.tenant_id,)
    )


async def list_due_tenants(tx: Tx, work: DueWork, after_id: int, limit: int) -> list[Tenant]:
    """Return tenants of whom something is due by their clocks, in order of their ids; not those being advanced."""
    return await tx.rows(
        Tenant,
        "SELECT id, organization, has_own_clock FROM ("
        "  SELECT e.id, o.identifier AS organization, c.tenant_id IS NOT NULL AS has_own_clock,"
        "    coalesce(c.frozen_at, %(machine_now)s::timestamptz + coalesce(c.ahead, '0')) AS now"
        "  FROM environments e JOIN organizations o ON o.id = e.organization_id"
        "  LEFT JOIN clocks c ON c.tenant_id = e.id"
        "  WHERE e.id > %(after_id)s AND c.target IS NULL"
        ") AS tenant WHERE (" + work.next_due + ") <= tenant.now ORDER BY id LIMIT %(limit)s",
        {"machine_now": tx.machine_now, "after_id": after_id, "limit": limit},
    )
