"""Note how the payment of an order ended."""

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.payments.records import Attempt, Outcome
from kelviq_server.platform.database import Tenant, transaction


async def settle_payment(tenant: Tenant, attempt: Attempt, outcome: Outcome) -> WholeOrder:
    """Return the order as it is with that; coming twice changes nothing. The reply and the sweeper come here."""
    async with transaction(tenant) as tx:
        return await orders.settle(tx, attempt, outcome)
