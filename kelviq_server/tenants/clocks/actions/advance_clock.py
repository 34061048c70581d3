"""Carry an advance of a sandbox's clock on."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from psycopg import OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.due import DueWork, DueWorks
from kelviq_server.platform.wire import wire_instant
from kelviq_server.tenants.clocks import rules, store
from kelviq_server.tenants.clocks.records import Clock

log = structlog.get_logger()
_IN_THE_WAY = (DeadlockDetected, LockNotAvailable, SerializationFailure)


async def advance_clock(tenant: Tenant, id: UUID, due: DueWorks) -> Clock:
    """Return the clock when this advance has ended: it has arrived, or something failed and it stands there.

    The clock is set to each instant at which something is due, that is carried out, and so on until nothing is due any
    more. It never passes what is due, so nothing is skipped and nothing is late, whoever dies, and even where two carry
    on at once. When the patience is over, the clock comes back still on its way, and the rest is left to a worker.
    """
    carried_out = 0
    began_at: datetime | None = None
    while True:
        async with transaction(tenant) as tx:
            clock = await store.lock_clock(tx)
            if clock.advance_id != id or clock.target is None:
                return clock
            step = rules.next_step(clock, clock.target, await store.list_next_due(tx, due.works))
            # Never before something was tried: so it comes to an end, however short the patience.
            is_over = began_at is not None and tx.machine_now - began_at >= due.patience
            began_at = began_at or tx.machine_now
            await store.update_step(tx, step.at, carried_out, timedelta() if is_over else rules.LEASE)
            if step.work is None:
                await store.update_arrived(tx)
            if step.work is None or is_over:
                return await store.get_clock(tx)
        work = due.works[step.work]
        try:
            if clock.fruitless > rules.MAX_FRUITLESS:
                raise TimeoutError("somebody has it in hand, and nothing comes of it")
            carried_out = await work.carry_out(tenant)
        except _IN_THE_WAY:
            # Like what somebody else has in hand: tried again, and not for ever.
            carried_out = 0
        except Exception as error:
            if isinstance(error, OperationalError) and not isinstance(error, QueryCanceled):
                # The database is away: no fault of the work, and a worker carries on.
                raise
            log.exception("due work failed", work=work.name, tenant_id=tenant.id, at=str(step.at))
            return await _stop(tenant, id, work, step.at)
        if not carried_out:
            await asyncio.sleep(rules.PAUSE.total_seconds())


async def _stop(tenant: Tenant, id: UUID, work: DueWork, at: datetime) -> Clock:
    """End the advance where the clock stands."""
    async with transaction(tenant) as tx:
        clock = await store.lock_clock(tx)
        if clock.advance_id == id and clock.target is not None:
            await store.update_arrived(
                tx, f"{work.name} could not be carried out at {wire_instant(at)}; the clock stands there."
            )
        return await store.get_clock(tx)
