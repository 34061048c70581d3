"""Let a sandbox's clock stand still, run, or set off for a later instant."""

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.tenants.clocks import rules, store
from kelviq_server.tenants.clocks.records import Clock, ClockMove


async def move_clock(tenant: Tenant, move: ClockMove) -> Clock:
    """Return the clock as it now is: running, or on its way, and leased to the caller, who carries its advance on.

    A clock that is to stand still where it is sets off too, to where it is: what is overdue is carried out first.
    One that is on its way already stops where it is.
    Raises NotFound, ClockAdvancing or InvalidFields.
    """
    async with transaction(tenant) as tx:
        clock = await store.lock_clock(tx)
        if rules.is_to_stop(clock, move):
            await store.update_arrived(tx)
            return await store.get_clock(tx)
        target = rules.target(clock, move)
        if target is None:
            await store.update_released(tx)
        else:
            await store.update_advance(tx, new_id(tx.machine_now), clock, target, rules.LEASE)
        return await store.get_clock(tx)
