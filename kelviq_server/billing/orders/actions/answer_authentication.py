"""Let a customer answer the question whether they approve of a payment, on the sandbox's page."""

from kelviq_server.billing.orders import steps
from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt
from kelviq_server.platform.database import Tenant, transaction


async def answer_authentication(tenant: Tenant, attempt: Attempt, answer: str) -> WholeOrder:
    """Return the order with that: `approve` pays it, `refuse` does not, `cancel` makes room for another card."""
    if answer == "cancel":
        outcome = await payments.cancel(tenant, attempt)
    else:
        outcome = await payments.authenticate(tenant, attempt, is_approved=answer == "approve")
    async with transaction(tenant) as tx:
        return await steps.settle(tx, attempt, outcome)
