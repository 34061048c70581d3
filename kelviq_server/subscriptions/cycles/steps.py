"""What is done about a record of which something is due. Its customer is locked, and then the record."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import BillingType, Collection, Order, Sale
from kelviq_server.billing.sales import steps as sales
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.core.invoice import Invoice, Item, make_invoice
from kelviq_server.core.period import Period
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt, Failure
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.collection import rules as collection_rules
from kelviq_server.subscriptions.collection.steps import let_expire
from kelviq_server.subscriptions.cycles import rules
from kelviq_server.subscriptions.cycles.records import Asked, Step
from kelviq_server.subscriptions.cycles.rules import Due
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.events import SubscriptionCancelled, SubscriptionUpdated, Told
from kelviq_server.subscriptions.life.records import (
    CancellationReason,
    NewSubscription,
    Subscription,
    SubscriptionStatus,
)
from kelviq_server.subscriptions.life.rules import DAY, next_period
from kelviq_server.subscriptions.metering import steps as metering
from kelviq_server.subscriptions.metering.records import Used
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.subscriptions.purchases.rules import worth_of


async def do_due(tx: Tx, id: UUID) -> Step:
    """Do what is due of a record first; nothing where it is not due any more."""
    customer, subscription = await life.lock_any(tx, id)
    match rules.due_of(subscription, tx.now):
        case Due.NOTHING:
            return Step(False)
        case Due.COLLECT:
            return await _collect(tx, subscription)
        case Due.EXPIRE:
            return await expire(tx, subscription)
        case Due.RETRY:
            return await _retry(tx, subscription)
        case Due.END:
            return await _unless_waiting(tx, subscription) or await end(
                tx, customer, subscription, subscription.cancellation_reason or CancellationReason.MERCHANT
            )
        case Due.RENEW:
            return await _unless_waiting(tx, subscription) or await _renew(tx, customer, subscription)


async def _unless_waiting(tx: Tx, subscription: Subscription) -> Step | None:
    """Let a change that waits for its payment come to nothing first: it was reckoned for the period that ends."""
    waiting = await life.find_waiting(tx, subscription.lineage_id)
    return None if waiting is None else await expire(tx, await life.lock_subscription(tx, waiting.id))


async def _collect(tx: Tx, subscription: Subscription) -> Step:
    for order in await orders.list_open(tx, subscription.lineage_id):
        attempt = await payments.find_pending(tx, order.id)
        if attempt is not None:
            # What nobody asks for any more is not to be approved of, either.
            is_stopped = order.collection is Collection.ONCE and attempt.is_on_session
            return Step(True, Asked(attempt, is_new=False, is_to_cancel=is_stopped))
    await life.change(tx, subscription, collecting_since=None)
    return Step(True)


async def expire(tx: Tx, subscription: Subscription) -> Step:
    """Let a locked record that waits for its payment come to nothing; a payment on its way is cancelled first."""
    for order in await orders.list_open(tx, subscription.lineage_id):
        if order.subscription_id != subscription.id:
            continue
        attempt = await payments.find_pending(tx, order.id)
        if attempt is not None:
            return Step(True, Asked(attempt, is_new=False, is_to_cancel=True))
        await orders.give_up(tx, order, Failure.AUTHENTICATION_REQUIRED)
    tx.announce_all(await let_expire(tx, subscription))
    return Step(True)


async def _retry(tx: Tx, before: Subscription) -> Step:
    """Try again to have paid what is owed longest; give everything up when that was tried often enough."""
    owed = await orders.list_open(tx, before.lineage_id)
    if not owed or before.owing_since is None:
        await life.change(tx, before, owing_since=None, retries=0, retry_at=None)
        return Step(True)
    order = owed[0]
    allowed = collection_rules.retries_for(order)
    pending = await payments.find_pending(tx, order.id)
    if collection_rules.is_exhausted(before.retries, allowed):
        if pending is None or pending.is_on_session:
            return await _give_up(tx, before)
        # The bank has not answered the last retry yet: what may be paid is not given up.
        await life.change(tx, before, retry_at=tx.now + DAY)
        return Step(True)
    retries = before.retries + 1
    retry_at = collection_rules.next_retry(before.owing_since, retries, allowed)
    method = await payments.find_default(tx, before.customer_id)
    if method is None or pending is not None:
        await life.change(tx, before, retries=retries, retry_at=retry_at)
        if pending is not None and pending.is_on_session:
            # Who was asked to approve of it has gone away: the next retry is not to wait for them.
            return Step(True, Asked(pending, is_new=False, is_to_cancel=True))
        return Step(True)
    attempt = await orders.pay_again(tx, order, method)
    await life.change(tx, before, retries=retries, retry_at=retry_at, collecting_since=tx.now, keeps_lease=True)
    return Step(True, Asked(attempt, is_new=True))


async def _give_up(tx: Tx, before: Subscription) -> Step:
    after = await _ended(tx, before, CancellationReason.PROVIDER)
    if before.is_in_force:
        await _announce_end(tx, before, after)
    return Step(True)


async def end(
    tx: Tx, customer: Customer, before: Subscription, reason: CancellationReason, *, told: Subscription | None = None
) -> Step:
    """End a locked record that is in force; what was used and what waited for the next invoice is charged.

    `told`: the record as it was told last, where something of it was changed since.
    """
    told = told or before
    used, items = Used(), list[Item]()
    terms = None
    # What is used on trial is free.
    is_charged = before.status is not SubscriptionStatus.TRIALING
    if before.billing_type is BillingType.SUBSCRIPTION and (is_charged or before.carried):
        terms = await purchases.terms_of(tx, before, customers.buyer_of(customer))
        if is_charged:
            used = await metering.used_within(tx, before, terms, _until(before, tx))
            used = await metering.with_late(tx, before, terms, used)
            await metering.note_charged(tx, before, used)
        items = [*used.items, *before.carried]
    if terms is None or not items:
        await _announce_end(tx, told, await _ended(tx, before, reason))
        return Step(True)
    invoice = await _invoice(tx, before, terms, items, before.cycle + 1)
    sale = await sale_of(tx, customer, before, terms, invoice)
    order = await write_sale(tx, sale)
    after = await _ended(tx, before, reason, order)
    await _announce_end(tx, told, after)
    return await _settled(tx, sale, order)


async def _settled(tx: Tx, sale: Sale, order: Order | None) -> Step:
    attempt = await settle_sale(tx, sale, order)
    return Step(True, None if attempt is None else Asked(attempt, is_new=True))


def _until(before: Subscription, tx: Tx) -> Period:
    """Return the part of the period for which a record that ends now was in force."""
    end = min(before.period.end, before.ends_at or tx.now, tx.now)
    return Period(before.period.start, max(end, before.period.start))


async def _ended(tx: Tx, before: Subscription, reason: CancellationReason, last: Order | None = None) -> Subscription:
    """Write that a record has ended, and let nothing be owed any more that was, but for a last order."""
    is_paying = last is not None and last.payment_method is not None
    for order in await orders.list_open(tx, before.lineage_id):
        if last is None or order.id != last.id:
            is_paying |= not await orders.stop_asking(tx, order, Failure.GIVEN_UP)
    ends_at = before.ends_at if before.ends_at is not None and before.ends_at <= tx.now else tx.now
    return await life.change(
        tx,
        before,
        status=SubscriptionStatus.CANCELED,
        ends_at=ends_at,
        canceled_at=before.canceled_at or tx.now,
        cancellation_reason=before.cancellation_reason or reason,
        owing_since=None,
        retries=0,
        retry_at=None,
        collecting_since=tx.now if is_paying else None,
        keeps_lease=is_paying,
        carried=[],
    )


def _collecting(tx: Tx, order: Order | None) -> datetime | None:
    """Return since when a payment is on its way for which the clock waits, where one is about to be."""
    return tx.now if order is not None and order.payment_method is not None else None


async def _announce_end(tx: Tx, before: Subscription, after: Subscription) -> None:
    told = await life.told_of(tx, after)
    tx.announce(SubscriptionCancelled(told, tx.tenant.organization, told.as_of(before)))


async def _renew(tx: Tx, customer: Customer, before: Subscription) -> Step:
    """Charge a locked record, whose period or trial has ended, for the next one."""
    had = await purchases.terms_of(tx, before, customers.buyer_of(customer))
    is_trial = before.status is SubscriptionStatus.TRIALING
    used = Used()
    if not is_trial:
        used = await metering.with_late(tx, before, had, await metering.used_within(tx, before, had, before.period))
        await metering.note_charged(tx, before, used)
    terms = await _promised(tx, customer, before, had)
    period = next_period(before)
    cycle = before.cycle if is_trial else before.cycle + 1
    items = rules.period_items(terms, period, used.items, before.carried)
    invoice = await _invoice(tx, before, terms, items, cycle)
    features = sales.bought(terms.items)
    sale = await sale_of(tx, customer, replace(before, features=features), terms, invoice, period=period)
    order = await write_sale(tx, sale)
    after = await life.change(
        tx,
        before,
        status=SubscriptionStatus.ACTIVE if is_trial else before.status,
        version_id=terms.version.id,
        price_id=terms.price.id,
        features=features,
        amount_units=terms.amount_units,
        cycle=cycle,
        period_index=before.period_index + 1,
        period_start=period.start,
        period_end=period.end,
        worth=worth_of(invoice, period),
        carried=[],
        collecting_since=_collecting(tx, order),
        keeps_lease=_collecting(tx, order) is not None,
    )
    told = Told(after, terms.product, terms.version, sale.buyer)
    was = Told(before, had.product, had.version, sale.buyer)
    tx.announce(SubscriptionUpdated(told, tx.tenant.organization, was))
    return await _settled(tx, sale, order)


async def _promised(tx: Tx, customer: Customer, before: Subscription, terms: Terms) -> Terms:
    """Return the terms from the next period on, as publishing later versions promised."""
    promised = await plans.list_rollouts(tx, before.plan_id)
    if not promised:
        return terms
    version, price, wanted = terms.version, terms.price, terms.wanted
    features = rules.features_promised(version.version, promised)
    if features is not None:
        version = (await plans.list_granting(tx, {features.version_id}))[features.version_id]
    priced = await plans.list_granting(tx, {price.version_id})
    pricing = rules.pricing_promised(priced[price.version_id].version, promised)
    if pricing is not None and before.custom_amount is None:
        later = (await plans.list_granting(tx, {pricing.version_id}))[pricing.version_id]
        price = rules.price_in(later, before.currency, before.charge_period) or price
    if price is not terms.price:
        sold = await plans.priced_features(tx, price)
        kept = sales.kept_quantities(price, before.charge_period, sold, before.features)
        wanted = sales.within_bounds(price, sold, replace(wanted, features=kept))
    if version is terms.version and price is terms.price:
        return terms
    return await purchases.terms_for(tx, before, version, price, wanted, customers.buyer_of(customer))


async def _invoice(tx: Tx, before: Subscription, terms: Terms, items: list[Item], cycle: int) -> Invoice:
    credit = await ledger.find_credit(tx, before.customer_id, before.currency)
    return make_invoice(items, terms.discounts, cycle, credit)


async def sale_of(
    tx: Tx,
    customer: Customer,
    subscription: NewSubscription,
    terms: Terms,
    invoice: Invoice,
    *,
    period: Period | None = None,
    collection: Collection = Collection.UNTIL_PAID,
) -> Sale:
    """Return what a locked customer is to be charged by an invoice of a subscription, with their payment method.

    `period`: which one it renews, where it does.
    """
    method = await payments.find_default(tx, customer.id) if invoice.due_units > 0 else None
    return Sale(
        buyer=life.billed(customer),
        product=terms.product,
        version=terms.version,
        currency=subscription.currency,
        invoice=invoice,
        billing_type=subscription.billing_type,
        subscription_id=subscription.id,
        lineage_id=subscription.lineage_id,
        period_start=None if period is None else period.start,
        features=subscription.features,
        method=method,
        is_renewal=period is not None,
        collection=collection,
    )


async def write_sale(tx: Tx, sale: Sale) -> Order | None:
    """Write the order of a sale, `settle_sale` being next; None where it comes to less than nothing."""
    return None if sale.invoice.total_units < 0 else await orders.write_order(tx, sale)


async def settle_sale(tx: Tx, sale: Sale, order: Order | None) -> Attempt | None:
    """Begin the payment of a sale, or let the customer have its credit; without a method what is due is owed."""
    if order is None:
        await orders.issue_credit(tx, sale)
        return None
    return (await orders.begin_payment(tx, order, sale)).attempt
