"""What is done about a record of which something is due. Its customer is locked, and then the record."""

from dataclasses import replace
from uuid import UUID

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.sales import steps as sales
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt, Failure
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.collection import rules as collection_rules
from kelviq_server.subscriptions.collection import steps as collection
from kelviq_server.subscriptions.cycles import rules, store
from kelviq_server.subscriptions.cycles.records import Asked, Step
from kelviq_server.subscriptions.cycles.rules import Due
from kelviq_server.subscriptions.endings import steps as endings
from kelviq_server.subscriptions.invoicing import steps as invoicing
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.errors import SubscriptionUnknown
from kelviq_server.subscriptions.life.events import SubscriptionUpdated, Told
from kelviq_server.subscriptions.life.records import Billing, CancellationReason, Subscription, SubscriptionStatus
from kelviq_server.subscriptions.life.rules import DAY, next_period
from kelviq_server.subscriptions.metering import steps as metering
from kelviq_server.subscriptions.metering.records import Used
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.subscriptions.purchases.rules import worth_of


async def do_due(tx: Tx, id: UUID) -> Step:
    """Do what is due of a record first; nothing where it is not due any more."""
    try:
        customer, subscription = await life.lock_any(tx, id)
    except (SubscriptionUnknown, NotFound):
        # Nobody got to see it, and its payment was declined meanwhile.
        return Step()
    match rules.due_of(subscription, tx.now):
        case Due.NOTHING:
            return Step()
        case Due.COLLECT:
            return await _collect(tx, subscription)
        case Due.EXPIRE:
            return await expire(tx, subscription)
        case Due.RETRY:
            return await _retry(tx, subscription)
        case Due.END:
            return await _unless_waiting(tx, subscription) or await _end(tx, customer, subscription)
        case Due.RENEW:
            return await _unless_waiting(tx, subscription) or await _renew(tx, customer, subscription)


async def _unless_waiting(tx: Tx, subscription: Subscription) -> Step | None:
    """Let a change that waits for its payment come to nothing first: it was reckoned for the period that ends."""
    waiting = await life.find_waiting(tx, subscription.lineage_id)
    return None if waiting is None else await expire(tx, await life.lock_subscription(tx, waiting.id))


async def _collect(tx: Tx, subscription: Subscription) -> Step:
    found = await collection.in_hand(tx, subscription.lineage_id)
    if found is None:
        await life.change(tx, subscription, collecting_since=None)
        return Step()
    order, attempt = found
    return Step(Asked(attempt, is_new=False, is_to_cancel=collection_rules.is_called_off(order, attempt)))


async def leave(tx: Tx, id: UUID) -> None:
    """Let no clock wait for a payment whose end is told later; whose record its locked customer's is."""
    subscription = await life.find_locked(tx, id)
    if subscription is None:
        return
    if await collection.in_hand(tx, subscription.lineage_id) is None:
        await store.update_waiting(tx, id)
    else:
        await store.update_released(tx, id)


async def expire(tx: Tx, subscription: Subscription) -> Step:
    """Let a locked record that waits for its payment come to nothing; a payment on its way is cancelled first."""
    for order in await orders.list_open(tx, subscription.lineage_id):
        if order.subscription_id != subscription.id:
            continue
        attempt = await payments.find_pending(tx, order.id)
        if attempt is not None:
            return Step(Asked(attempt, is_new=False, is_to_cancel=True))
        await orders.give_up(tx, order, Failure.AUTHENTICATION_REQUIRED)
    tx.announce_all(await collection.let_expire(tx, subscription))
    return Step()


async def _retry(tx: Tx, before: Subscription) -> Step:
    """Try again to have paid what is owed longest; give everything up when that was tried often enough."""
    owed = await orders.list_open(tx, before.lineage_id)
    if not owed or before.owing_since is None:
        await life.change(tx, before, owing_since=None, retries=0, retry_at=None)
        return Step()
    order = owed[0]
    allowed = collection_rules.retries_for(order)
    pending = await payments.find_pending(tx, order.id)
    if collection_rules.is_exhausted(before.retries, allowed):
        if pending is None or pending.is_on_session:
            await endings.give_up(tx, before)
            return Step()
        # The bank has not answered the last retry yet: what may be paid is not given up.
        await life.change(tx, before, retry_at=tx.now + DAY)
        return Step()
    retries = before.retries + 1
    retry_at = collection_rules.next_retry(before.owing_since, retries, allowed)
    # What failed is not tried first again where there is something else: the default is what the customer can change.
    first = None if before.has_fallback else before.method_id
    method = await payments.find_charged(tx, before.customer_id, first, or_default=before.has_fallback)
    if method is None or pending is not None:
        await life.change(tx, before, retries=retries, retry_at=retry_at)
        if pending is not None and pending.is_on_session:
            # Who was asked to approve of it has gone away: the next retry is not to wait for them.
            return Step(Asked(pending, is_new=False, is_to_cancel=True))
        return Step()
    attempt = await orders.pay_again(tx, order, method)
    await life.change(
        tx, before, retries=retries, retry_at=retry_at, method_id=method.id, collecting_since=tx.now, keeps_lease=True
    )
    return Step(Asked(attempt, is_new=True))


async def _end(tx: Tx, customer: Customer, before: Subscription) -> Step:
    reason = before.cancellation_reason or CancellationReason.MERCHANT
    return _asking(await endings.end(tx, customer, before, reason))


def _asking(attempt: Attempt | None) -> Step:
    return Step(None if attempt is None else Asked(attempt, is_new=True))


async def _renew(tx: Tx, customer: Customer, before: Subscription) -> Step:
    """Charge a locked record, whose period or trial has ended, for the next one."""
    had = await purchases.terms_of(tx, before, customers.buyer_of(customer))
    is_trial, used = before.is_on_trial, Used()
    if not is_trial:
        used = await metering.with_late(tx, before, had, await metering.used_within(tx, before, had, before.period))
        await metering.note_charged(tx, before, used)
    terms = await promised(tx, customer, before, had)
    period = next_period(before)
    cycle = before.cycle if is_trial else before.cycle + 1
    items = rules.period_items(terms, period, used.items, before.carried)
    invoice = await invoicing.invoice_of(tx, before, terms, items, cycle)
    features = sales.bought(terms.items)
    sale = await invoicing.sale_of(tx, customer, replace(before, features=features), terms, invoice, period=period)
    order = await invoicing.write_sale(tx, sale)
    collecting_since = invoicing.collecting(tx, order)
    after = await life.change(
        tx,
        before,
        status=SubscriptionStatus.ACTIVE if before.status is SubscriptionStatus.TRIALING else before.status,
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
        taken=[*before.taken, *invoicing.taken_by(order, [*used.items, *before.carried])],
        method_id=before.method_id if sale.method is None else sale.method.id,
        collecting_since=collecting_since,
        keeps_lease=collecting_since is not None,
    )
    told = Told(after, terms.product, terms.version, sale.buyer)
    was = Told(before, had.product, had.version, sale.buyer)
    tx.announce(SubscriptionUpdated(told, tx.tenant.organization, was))
    return _asking(await invoicing.settle_sale(tx, sale, order))


async def promised(tx: Tx, customer: Customer, billing: Billing, terms: Terms) -> Terms:
    """Return the terms from the next period on, as publishing later versions promised to earlier buyers."""
    rollouts = await plans.list_rollouts(tx, terms.version.plan_id)
    if not rollouts:
        return terms
    version, price, wanted = terms.version, terms.price, terms.wanted
    features = rules.features_promised(version.version, rollouts)
    if features is not None:
        version = (await plans.list_granting(tx, {features.version_id}))[features.version_id]
    priced = await plans.list_granting(tx, {price.version_id})
    pricing = rules.pricing_promised(priced[price.version_id].version, rollouts)
    if pricing is not None and wanted.custom_amount is None:
        later = (await plans.list_granting(tx, {pricing.version_id}))[pricing.version_id]
        price = rules.price_in(later, price.currency, wanted.period) or price
    if price is not terms.price:
        sold = await plans.priced_features(tx, price)
        kept = sales.kept_quantities(price, wanted.period, sold, wanted.features)
        wanted = sales.within_bounds(price, sold, replace(wanted, features=kept))
    if version is terms.version and price is terms.price:
        return terms
    return await purchases.terms_for(tx, billing, version, price, wanted, customers.buyer_of(customer))
