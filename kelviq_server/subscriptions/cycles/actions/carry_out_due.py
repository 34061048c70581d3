"""Do what is due of a subscription."""

from datetime import datetime
from uuid import UUID

from kelviq_server.billing.orders import steps as orders
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import AttemptStatus, Outcome
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.cycles import steps, store
from kelviq_server.subscriptions.cycles.records import Asked


async def carry_out_due(tenant: Tenant, id: UUID) -> bool:
    """Do the first thing that is due of a record; safe to do again, and at once.

    Return False where a gateway does not say how a payment ended, nor that it will tell.
    What is owed is written down first, then the gateway is asked, then what came of it is written down. Whoever dies
    in between leaves the record due, with a payment on its way: the next one asks what became of that.
    """
    async with transaction(tenant) as tx:
        step = await steps.do_due(tx, id)
        now = tx.machine_now
        if step.asked is None:
            await store.update_released(tx, id)
    if step.asked is not None:
        outcome = await _ask(tenant, step.asked, now)
        async with transaction(tenant) as tx:
            await orders.settle(tx, step.asked.attempt, outcome)
            if outcome.status is AttemptStatus.PENDING:
                if outcome.is_told_later:
                    await steps.leave(tx, id)
                return outcome.is_told_later and not step.asked.is_to_cancel
            if step.asked.is_to_cancel:
                # It was another record's: what is due of this one is next. A gateway that does not answer is left
                # alone until the lease ends.
                await store.update_released(tx, id)
    return True


async def _ask(tenant: Tenant, asked: Asked, now: datetime) -> Outcome:
    if asked.is_to_cancel:
        return await payments.cancel(tenant, asked.attempt)
    return await payments.carry_out(tenant, asked.attempt, now, is_new=asked.is_new)
