"""What a worker does about clocks: carries out what is due by them, and the advances that were left to it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from kelviq_server.platform.database import INSTANCE, Tenant, reading
from kelviq_server.platform.due import DueWork, DueWorks
from kelviq_server.tenants.clocks import store
from kelviq_server.tenants.clocks.actions.advance_clock import advance_clock
from kelviq_server.tenants.clocks.actions.take_advance import take_advance

log = structlog.get_logger()

POLL = timedelta(seconds=1)
BATCH = 100
AT_ONCE = 4
LONGEST_PAUSE = timedelta(minutes=5)


async def carry_on(due: DueWorks) -> None:
    """Carry one advance on that was left to the workers, for a while, so that others get their turn; else wait."""
    advance = await take_advance()
    if advance is None:
        await asyncio.sleep(POLL.total_seconds())
    else:
        await advance_clock(advance.tenant, advance.id, due)


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when, in machine time, a tenant is left alone of whom something failed, and how often it did in a row."""

    failures: int
    until: datetime


class Rounds:
    """One kind of work, carried out for every tenant of whom some is due, whatever its clock says and whether it runs.

    Each gets a batch in each round, so that nobody waits for a busy tenant, nor for one whose work fails.
    """

    def __init__(self, work: DueWork) -> None:
        self._work = work
        self._pauses: dict[int, Pause] = {}
        # Several tenants at once, so that a slow one does not keep all the others waiting.
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def go(self) -> None:
        """Go one round; wait when nothing was to be done."""
        if not await self._go_round():
            await asyncio.sleep(POLL.total_seconds())

    async def _go_round(self) -> int:
        carried_out = after_id = 0
        while True:
            async with reading(INSTANCE) as tx:
                tenants = await store.list_due_tenants(tx, self._work, after_id, BATCH)
                now = tx.machine_now
            carried_out += sum(await asyncio.gather(*(self._in_turn(tenant, now) for tenant in tenants)))
            after_id = tenants[-1].id or 0 if tenants else after_id
            if len(tenants) < BATCH:
                return carried_out

    async def _in_turn(self, tenant: Tenant, now: datetime) -> int:
        assert tenant.id is not None
        async with self._gate:
            return await self._carry_out(tenant, tenant.id, now)

    async def _carry_out(self, tenant: Tenant, id: int, now: datetime) -> int:
        pause = self._pauses.get(id)
        if pause is not None and now < pause.until:
            return 0
        try:
            carried_out = await self._work.carry_out(tenant)
        except Exception:
            failures = pause.failures + 1 if pause else 1
            log.exception("due work failed", work=self._work.name, tenant_id=id, failures=failures)
            self._pauses[id] = Pause(failures, now + min(timedelta(seconds=2 ** min(failures, 20)), LONGEST_PAUSE))
            return 0
        self._pauses.pop(id, None)
        return carried_out
