"""What becomes of subscriptions when their orders end, and what they owe.

`SubscriptionFollower` is handed down to billing: it runs in the transaction that notes how a payment ended.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import Order, SubscriptionSummary, WholeOrder
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.events import Event
from kelviq_server.core.invoice import Item
from kelviq_server.customers import steps as customers
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt, Failure
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.collection import rules
from kelviq_server.subscriptions.collection.store import QUESTIONS
from kelviq_server.subscriptions.invoicing import steps as invoicing
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.events import (
    SubscriptionCreated,
    SubscriptionPlanChanged,
    SubscriptionUpdated,
    Told,
)
from kelviq_server.subscriptions.life.records import NewSubscription, Subscription, SubscriptionStatus
from kelviq_server.subscriptions.life.schemas import recurrence_of
from kelviq_server.subscriptions.metering import steps as metering
from kelviq_server.subscriptions.purchases import steps as purchases

__all__ = ["QUESTIONS", "SubscriptionFollower", "in_hand", "let_expire", "take_effect"]


class SubscriptionFollower:
    """Lets subscriptions begin, go on, or owe something as their orders end."""

    async def paid(self, tx: Tx, whole: WholeOrder) -> Sequence[Event]:
        """Let what was bought begin, and what was owed be owed no more."""
        before = await life.find_locked(tx, whole.order.subscription_id)
        if before is None:
            added = await life.add(tx, await _bought_once(tx, whole.order))
            return [SubscriptionCreated(_told(added, whole), tx.tenant.organization)]
        if before.status is SubscriptionStatus.INCOMPLETE:
            return [await take_effect(tx, before, whole)]
        return await _paid_up(tx, before, whole)

    async def failed(self, tx: Tx, whole: WholeOrder, failure: Failure) -> Sequence[Event]:
        """Let what was to be bought come to nothing."""
        before = await life.find_locked(tx, whole.order.subscription_id)
        if before is None:
            return []
        if before.status is SubscriptionStatus.INCOMPLETE:
            return await let_expire(tx, before)
        values = await _no_longer_collecting(tx, before)
        taken, others = rules.taken_by(before, whole.order)
        if taken and not before.is_in_force:
            values |= {"taken": others}
            await invoicing.give_back(tx, before, taken)
        if values:
            await life.change(tx, before, **values)
        return []

    async def left_open(self, tx: Tx, whole: WholeOrder, failure: Failure) -> Sequence[Event]:
        """Note that something is owed. What was not begun yet waits for its customer."""
        before = await life.find_locked(tx, whole.order.subscription_id)
        if before is None or before.status is SubscriptionStatus.INCOMPLETE:
            await life.show(tx, whole.order.subscription_id)
            return []
        values = await _no_longer_collecting(tx, before)
        if before.owing_since is None:
            allowed = rules.retries_for(whole.order)
            values |= {"owing_since": tx.now, "retries": 0, "retry_at": rules.next_retry(tx.now, 0, allowed)}
            if rules.has_other(before, await payments.find_default(tx, before.customer_id)):
                # The customer's default is tried at once, and that counts as no retry.
                values |= {"retries": -1, "retry_at": tx.now}
        if not before.is_in_force:
            await life.change(tx, before, **values)
            return []
        return await _changed(tx, before, status=SubscriptionStatus.PAST_DUE, **values)

    async def summaries(self, tx: Tx, ids: AbstractSet[UUID]) -> Mapping[UUID, SubscriptionSummary]:
        """Return the records with these ids, as orders show them."""
        return {
            each.id: SubscriptionSummary(
                each.id, each.status, each.amount_units, recurrence_of(each.charge_period), each.next_invoice_at
            )
            for each in await life.list_by_id(tx, ids)
        }


async def let_expire(tx: Tx, before: Subscription) -> Sequence[Event]:
    """Let a locked record that waits for its payment come to nothing; one that nobody saw is gone."""
    if not before.is_seen:
        await life.delete_unseen(tx, before.id)
        return []
    return await _changed(tx, before, status=SubscriptionStatus.INCOMPLETE_EXPIRED, expires_at=None)


async def take_effect(
    tx: Tx, before: Subscription, whole: WholeOrder | None = None, *, is_used_charged: bool = False
) -> Event:
    """Let a locked record take effect; it takes the place of the one that it was to replace.

    `whole`: the order that paid it, if one did. `is_used_charged`: whether what was used on the old terms is charged
    already; else it waits for the next invoice, if there is one.
    """
    replaced, carried = None, before.carried
    if before.predecessor_id is not None:
        # First, since only one record of a subscription is in force at a time.
        old = await life.lock_subscription(tx, before.predecessor_id)
        if not is_used_charged:
            carried = [*carried, *await _used_until_now(tx, old, before)]
        replaced = await life.change(tx, old, status=SubscriptionStatus.SUPERSEDED)
    status = rules.status_once_paid(before)
    values: dict[str, Any] = {} if whole is None else {"taken": []}
    if whole is not None and whole.goes_on_with is not None:
        values |= {"method_id": whole.goes_on_with, "has_fallback": True}
    after = await life.change(
        tx, before, status=status, is_seen=True, expires_at=None, effective_at=tx.now, carried=carried, **values
    )
    told = await life.told_of(tx, after) if whole is None else _told(after, whole)
    if replaced is None:
        return SubscriptionCreated(told, tx.tenant.organization)
    return SubscriptionPlanChanged(told, tx.tenant.organization, await life.told_of(tx, replaced))


async def _used_until_now(tx: Tx, old: Subscription, new: Subscription) -> Sequence[Item]:
    """Return what was used on the old terms, until the new ones take effect, that those do not charge."""
    if new.period_end is None or old.is_on_trial:
        # After what is bought once there is no next invoice.
        return []
    [customer] = (await customers.list_by_id(tx, {old.customer_id})).values()
    had = await purchases.terms_of(tx, old, customers.buyer_of(customer))
    price = await plans.get_price(tx, new.price_id)
    begins_at = None if new.period == old.period else new.period.start
    used = await metering.no_longer_charged(tx, old, had, price, new.charge_period, begins_at)
    await metering.note_charged(tx, old, used)
    return used.items


async def _paid_up(tx: Tx, before: Subscription, whole: WholeOrder) -> Sequence[Event]:
    values = await _no_longer_collecting(tx, before)
    taken, left = rules.taken_by(before, whole.order)
    if taken:
        values |= {"taken": left}
    if whole.goes_on_with is not None:
        values |= {"method_id": whole.goes_on_with, "has_fallback": True}
    if before.owing_since is not None:
        others = [other for other in await orders.list_open(tx, before.lineage_id) if other.id != whole.order.id]
        if not others:
            values |= {"owing_since": None, "retries": 0, "retry_at": None}
        elif rules.is_older(whole.order, others[0]):
            # Whoever paid one thing pays the next one at once, and that has retries of its own.
            values |= {"owing_since": tx.now, "retries": 0, "retry_at": tx.now}
        else:
            values |= {"retries": rules.retries_once_paid(before.retries), "retry_at": tx.now}
        if not others and before.status is SubscriptionStatus.PAST_DUE:
            return await _changed(tx, before, status=rules.status_once_paid(before), **values)
    if values:
        await life.change(tx, before, **values)
    return []


async def in_hand(tx: Tx, lineage_id: UUID) -> tuple[Order, Attempt] | None:
    """Return a payment of a subscription for which a clock waits, and what it is for, or None."""
    for order in await orders.list_open(tx, lineage_id):
        attempt = await payments.find_pending(tx, order.id)
        if attempt is not None and rules.is_in_hand(order, attempt):
            return order, attempt
    return None


async def _no_longer_collecting(tx: Tx, before: Subscription) -> dict[str, Any]:
    """Return what a locked record notes of a payment that has ended: no clock waits, but for another one in hand."""
    if before.collecting_since is None:
        return {}
    # Where there is another one, whoever comes next asks how that ends: under its own key, so that it is made once.
    is_last = await in_hand(tx, before.lineage_id) is None
    return {"collecting_since": None if is_last else before.collecting_since}


async def _bought_once(tx: Tx, order: Order) -> NewSubscription:
    """Return the record of a charge: somebody has what they paid for, for ever."""
    version = (await plans.list_granting(tx, {order.plan_version_id}))[order.plan_version_id]
    price = next(price for price in version.prices if price.currency == order.currency)
    return NewSubscription(
        id=order.subscription_id,
        lineage_id=order.subscription_id,
        predecessor_id=None,
        is_seen=True,
        status=SubscriptionStatus.ACTIVE,
        billing_type=order.billing_type,
        customer_id=order.customer_id,
        product_id=order.product_id,
        plan_id=version.plan_id,
        version_id=version.id,
        price_id=price.id,
        charge_period=ChargePeriod.ONE_TIME,
        currency=order.currency,
        features=order.features or [],
        custom_amount=None,
        tax_behavior=None,
        amount_units=order.subtotal_units,
        discount_id=None,
        cycle=0,
        time_zone="UTC",
        anchor_at=tx.now,
        period_index=0,
        period_start=None,
        period_end=None,
        trial_start_at=None,
        trial_end_at=None,
        worth=[],
        carried=[],
        started_at=order.created_at,
    )


def _told(subscription: Subscription, whole: WholeOrder) -> Told:
    return Told(subscription, whole.product, whole.version, whole.order.buyer)


async def _changed(tx: Tx, before: Subscription, **values: Any) -> Sequence[Event]:
    after = await life.change(tx, before, **values)
    if after.status is before.status:
        return []
    now = await life.told_of(tx, after)
    earlier = Told(before, now.product, now.version, now.customer)
    return [SubscriptionUpdated(now, tx.tenant.organization, earlier)]
