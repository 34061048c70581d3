"""Let a customer who is there pay an order that is owed."""

from kelviq_server.billing.orders import steps
from kelviq_server.billing.orders.records import Collection, OrderStatus, Paying
from kelviq_server.payments import steps as payments
from kelviq_server.payments.errors import PaymentMethodRequired
from kelviq_server.payments.records import PaymentMethod
from kelviq_server.platform.database import Tenant, transaction


async def pay_owed_order(tenant: Tenant, id: str, method: PaymentMethod | None = None) -> Paying:
    """Have an order paid with this method of its customer, else their default, and return how that went.

    Once it has paid, it is their default. Where a payment is on its way already, that is asked after, and no other is
    begun: twice is never paid.
    Raises NotFound, PaymentMethodRequired.
    """
    async with transaction(tenant) as tx:
        now = tx.machine_now
        order = await steps.lock_order(tx, id)
        if order.status is not OrderStatus.PENDING or order.collection is Collection.ONCE:
            [whole] = await steps.wholes_of(tx, [order])
            return Paying(whole, None, None)
        attempt = await payments.find_pending(tx, id)
        is_new = attempt is None
        if attempt is None:
            method = method or await payments.find_default(tx, order.customer_id)
            if method is None:
                raise PaymentMethodRequired
            attempt = await steps.pay_again(tx, order, method, is_on_session=True)
    outcome = await payments.carry_out(tenant, attempt, now, is_new=is_new)
    async with transaction(tenant) as tx:
        return Paying(await steps.settle(tx, attempt, outcome), attempt, outcome)
