"""Show what a change of a subscription would come to."""

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.changes import steps
from kelviq_server.subscriptions.changes.errors import PaymentUnderWay
from kelviq_server.subscriptions.changes.records import ChangePlan, Preview
from kelviq_server.subscriptions.cycles.actions.carry_out_overdue import carry_out_overdue
from kelviq_server.subscriptions.life import steps as life


async def preview_change(tenant: Tenant, change: ChangePlan) -> Preview:
    """Return what a change would come to if it were made at this instant; nothing is changed, but for what is due.

    A transaction, since what a discount still allows is reckoned under its lock, as the change does.

    Raises what `change_plan` does, but for what there must be to pay with.
    """
    if not await carry_out_overdue(tenant, change.id):
        raise PaymentUnderWay
    async with transaction(tenant) as tx:
        customer, subscription = await life.lock_to_change(tx, change.id)
        reckoned = await steps.reckon(tx, customer, subscription, change)
        return await steps.preview_of(tx, customer, subscription, change, reckoned)
