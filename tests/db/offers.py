"""Buys subscriptions on terms that only a checkout offers: a discount, an amount that was agreed on, another trial."""

from typing import Any

from kelviq_server.billing.orders import steps as orders
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.customers import steps as customers
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import transaction
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Offer
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made


async def bought(
    api: Client,
    made: Made,
    plan: str = "pro",
    period: ChargePeriod = ChargePeriod.MONTHLY,
    customer_id: str = "ada",
    **terms: Any,
) -> dict[str, Any]:
    """Let a customer buy on these terms with their card, and return the record as it is shown."""
    async with transaction(made.sandbox) as tx:
        customer = await customers.lock_customer(tx, customer_id)
        offer = Offer(plan, period, **terms)
        quote = await purchases.quote(tx, offer, customers.buyer_of(customer), customer.id)
        method = await payments.find_default(tx, customer.id)
        begun = await purchases.begin_purchase(tx, quote, customer, method)
        now = tx.machine_now
    if begun.attempt is not None:
        outcome = await payments.carry_out(made.sandbox, begun.attempt, now, is_new=True)
        async with transaction(made.sandbox) as tx:
            await orders.settle(tx, begun.attempt, outcome)
    return await subs.shown(api, str(begun.subscription_id))
