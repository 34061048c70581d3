"""Create a subscription for a customer who is there already."""

import structlog

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.transactions import steps as transactions
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import AttemptStatus
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.records import SubscriptionStatus, WholeSubscription
from kelviq_server.subscriptions.purchases import steps
from kelviq_server.subscriptions.purchases.records import Begun, CreateSubscription

log = structlog.get_logger()


async def create_subscription(tenant: Tenant, new: CreateSubscription) -> WholeSubscription:
    """Return the subscription: in force, on trial, or incomplete where its customer has to authenticate the payment.

    Called again for the same request, it goes on where the first call ended, and never charges twice.
    Raises CustomerUnknown, what stops a sale, PaymentMethodRequired, PaymentDeclined; PaymentUnsettled where nobody
    knows yet.
    """
    async with transaction(tenant) as tx:
        now = tx.machine_now
        before = await _find_begun(tx, new)
        begun = before or await _begin(tx, new)
    if begun.attempt is not None and begun.attempt.status is AttemptStatus.PENDING:
        outcome = await payments.carry_out(tenant, begun.attempt, now, is_new=before is None)
        try:
            async with transaction(tenant) as tx:
                await orders.settle(tx, begun.attempt, outcome)
                if outcome.status is AttemptStatus.PENDING:
                    # Whoever asked is told of it, and can look what becomes of it.
                    await life.show(tx, begun.subscription_id)
        except Exception:
            # The money may have been taken: whoever would try again after a fault of ours would pay twice.
            log.exception("payment not settled", order=begun.order_id)
            raise PaymentUnsettled from None
    async with transaction(tenant) as tx:
        subscription = await life.find_subscription(tx, begun.subscription_id)
        whole = None if subscription is None else await life.whole_of(tx, subscription)
        attempt = None if begun.attempt is None else await payments.get_attempt(tx, begun.attempt.id)
    is_over = subscription is None or subscription.status is SubscriptionStatus.INCOMPLETE_EXPIRED
    if is_over and attempt is not None and attempt.failure:
        raise payments.refusal_of(attempt.failure)
    assert subscription is not None
    assert whole is not None
    if subscription.status is SubscriptionStatus.INCOMPLETE and attempt and attempt.status is AttemptStatus.PENDING:
        raise PaymentUnsettled(
            f"How the payment of subscription {subscription.id} ended is not known yet: do not create it again."
        )
    return whole


async def _find_begun(tx: Tx, new: CreateSubscription) -> Begun | None:
    """Return what an earlier call for the same request began, or None."""
    order = None if new.request_id is None else await orders.find_by_request(tx, new.request_id)
    if order is None:
        return None
    last = await transactions.find_last_charge(tx, order.id)
    return Begun(order.subscription_id, order.id, None if last is None else await payments.get_attempt(tx, last))


async def _begin(tx: Tx, new: CreateSubscription) -> Begun:
    customer = await _customer(tx, new.customer)
    if (before := await _find_begun(tx, new)) is not None:
        return before
    method = await payments.find_default(tx, customer.id)
    offer = await steps.localized(tx, new.offer, customer, method)
    quote = await steps.quote(tx, offer, customers.buyer_of(customer), customer.id)
    sales.refuse_elsewhere(quote.version, sales.place_of(customer, method, offer.address).country)
    return await steps.begin_purchase(tx, quote, customer, method, request_id=new.request_id)


async def _customer(tx: Tx, external_id: str) -> Customer:
    try:
        return await customers.lock_customer(tx, external_id)
    except NotFound:
        raise CustomerUnknown from None
