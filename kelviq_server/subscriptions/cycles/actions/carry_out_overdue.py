"""Do all that is due of a subscription, before somebody changes it or asks what that would come to."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.cycles import rules
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.cycles.rules import Due
from kelviq_server.subscriptions.life import steps as life

# How many periods may have been missed.
MAX_OVERDUE = 1000


async def carry_out_overdue(tenant: Tenant, id: UUID) -> bool:
    """Do one thing after the other that is due of a record in force.

    Return False where a gateway does not say how a payment ended.
    """
    for _ in range(MAX_OVERDUE):
        async with transaction(tenant) as tx:
            subscription = await life.find_subscription(tx, id)
            if subscription is None or not subscription.is_in_force:
                return True
            due = rules.due_of(subscription, tx.now)
        if due is Due.NOTHING:
            return True
        if not await carry_out_due(tenant, id):
            return False
    raise RuntimeError(f"something of {id} stays due")
