"""Note how the payment of an order ended."""

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt, AttemptStatus, Outcome
from kelviq_server.platform.database import Tenant, transaction


async def settle_payment(tenant: Tenant, attempt: Attempt, outcome: Outcome) -> WholeOrder:
    """Complete the order that was paid, or let it fail, and return it as it now is.

    The reply and the sweeper come here.

    Coming twice changes nothing, and neither does an end that is not known yet.
    """
    async with transaction(tenant) as tx:
        order = await orders.lock_order(tx, attempt.subject)
        if await payments.settle(tx, attempt.id, outcome):
            if outcome.status is AttemptStatus.SUCCEEDED:
                return await orders.complete_order(tx, order, attempt, outcome)
            order = await orders.fail_order(tx, order, attempt, outcome)
        [whole] = await orders.wholes_of(tx, [order])
        return whole
