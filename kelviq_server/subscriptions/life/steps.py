"""What other parts and modules borrow of records of subscriptions.

Whoever changes one locks its customer first, then the record, then what is owed for it.
"""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.billing.orders.records import BilledCustomer
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.products import steps as products
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.entitlements import steps as entitlements
from kelviq_server.entitlements.license_keys import steps as licenses
from kelviq_server.entitlements.license_keys.records import Licensed
from kelviq_server.entitlements.records import Holding
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.life import rules, store
from kelviq_server.subscriptions.life.errors import SubscriptionUnknown
from kelviq_server.subscriptions.life.events import Told
from kelviq_server.subscriptions.life.records import (
    NewSubscription,
    Subscription,
    SubscriptionStatus,
    WholeSubscription,
)
from kelviq_server.subscriptions.life.schemas import recurrence_text, recurring_state
from kelviq_server.subscriptions.life.store import (
    COLUMNS,
    delete_unseen,
    find_by_request,
    find_subscription,
    find_waiting,
    list_by_id,
    list_subscriptions,
    lock_subscription,
)
from kelviq_server.usage.allowances.records import Holder

__all__ = [
    "COLUMNS",
    "add",
    "billed",
    "change",
    "charge_to",
    "delete_unseen",
    "find_by_request",
    "find_locked",
    "find_subscription",
    "find_waiting",
    "list_by_id",
    "list_subscriptions",
    "lock_any",
    "lock_subscription",
    "lock_to_change",
    "lock_with_customer",
    "recurrence_text",
    "recurring_state",
    "show",
    "told_of",
    "whole_of",
    "wholes_of",
]


async def lock_with_customer(tx: Tx, id: UUID) -> tuple[Customer, Subscription]:
    """Return a record and its customer, whom nobody else changes until this transaction ends.

    Raises SubscriptionUnknown, for one that nobody got to see too.
    """
    customer, subscription = await lock_any(tx, id)
    if not subscription.is_seen:
        raise SubscriptionUnknown
    return customer, subscription


async def lock_any(tx: Tx, id: UUID) -> tuple[Customer, Subscription]:
    """Return what `lock_with_customer` does, of an unseen record too."""
    customer_id = await store.find_customer_id(tx, id)
    if customer_id is None:
        raise SubscriptionUnknown
    customer = await customers.lock_known(tx, customer_id)
    return customer, await store.lock_subscription(tx, id)


async def find_locked(tx: Tx, id: UUID) -> Subscription | None:
    """Return a record, an unseen one too, that nobody else changes, or None; its customer is locked already."""
    try:
        return await store.lock_subscription(tx, id)
    except NotFound:
        return None


async def lock_to_change(tx: Tx, id: UUID) -> tuple[Customer, Subscription]:
    """Return what `lock_with_customer` does; raises SubscriptionReplaced and SubscriptionEnded, too."""
    customer, subscription = await lock_with_customer(tx, id)
    current = None
    if not subscription.is_in_force:
        found = await store.find_newest_id(tx, subscription.lineage_id)
        current = None if found is None else str(found)
    rules.refuse_ended(subscription, current)
    return customer, subscription


async def add(tx: Tx, new: NewSubscription) -> Subscription:
    """Write a record of a locked customer, and count it where it is in force."""
    added = await store.insert_subscription(tx, new)
    if added.counts:
        await customers.count_subscription(tx, added.customer_id, +1)
    if added.is_in_force:
        await _hold(tx, added)
    return added


async def change(tx: Tx, before: Subscription, *, keeps_lease: bool = False, **values: object) -> Subscription:
    """Write these columns of a locked record, whose customer is locked too, and count it anew.

    Whoever had it in hand is done with it, unless the lease is kept.
    """
    after = await store.update_subscription(tx, before.id, keeps_lease=keeps_lease, **values)
    if after.counts != before.counts:
        await customers.count_subscription(tx, after.customer_id, +1 if after.counts else -1)
    if after.is_in_force:
        if not before.is_in_force or rules.grants_differ(before, after):
            await _hold(tx, after)
        elif after.period_start is not None and after.period_start != before.period_start:
            await licenses.renew(tx, after.lineage_id, after.period_start, after.anchor_at, after.time_zone)
    elif before.is_in_force and after.status is not SubscriptionStatus.SUPERSEDED:
        # What is superseded is taken over in the same transaction.
        await entitlements.release(tx, Holder(after.customer_id, after.lineage_id, after.id, after.ends_at))
        await licenses.end(tx, after.lineage_id, after.ends_at or tx.now)
    return after


async def charge_to(tx: Tx, id: UUID, method_id: int, *, has_fallback: bool) -> None:
    """Let a record be charged to this method first, where there is one; its customer is locked.

    `has_fallback`: whether their default takes over where that fails.
    """
    record = await find_locked(tx, id)
    if record is not None:
        await change(tx, record, method_id=method_id, has_fallback=has_fallback)


async def show(tx: Tx, id: UUID) -> None:
    """Let a record be seen that waits for its first payment; its customer is locked."""
    waiting = await find_locked(tx, id)
    if waiting is not None and not waiting.is_seen:
        await change(tx, waiting, is_seen=True)


async def _hold(tx: Tx, subscription: Subscription) -> None:
    version = (await plans.list_granting(tx, {subscription.version_id}))[subscription.version_id]
    price = next((price for price in version.prices if price.id == subscription.price_id), None)
    holding = Holding(
        customer_id=subscription.customer_id,
        lineage_id=subscription.lineage_id,
        subscription_id=subscription.id,
        version=version,
        price=price or await plans.get_price(tx, subscription.price_id),
        charge_period=subscription.charge_period,
        quantities={each.identifier: each.quantity for each in subscription.features},
        anchor_at=subscription.anchor_at,
        time_zone=subscription.time_zone,
        ends_at=subscription.ends_at,
    )
    await entitlements.hold(tx, holding)
    licensed = Licensed(
        customer_id=subscription.customer_id,
        lineage_id=subscription.lineage_id,
        subscription_id=subscription.id,
        version_id=version.id,
        terms=version.license,
        anchor_at=subscription.anchor_at,
        time_zone=subscription.time_zone,
        # What is bought once has no period, and its anchor is when it was.
        began_at=subscription.period_start or subscription.anchor_at,
        ends_at=subscription.ends_at,
    )
    await licenses.hold(tx, licensed)


async def whole_of(tx: Tx, subscription: Subscription) -> WholeSubscription:
    """Return a record with what was bought, and by whom."""
    [whole] = await wholes_of(tx, [subscription])
    return whole


async def wholes_of(tx: Tx, subscriptions: Sequence[Subscription]) -> list[WholeSubscription]:
    """Return records with what was bought, and by whom."""
    if not subscriptions:
        return []
    bought = await products.list_by_id(tx, {each.product_id for each in subscriptions})
    versions = await plans.list_granting(tx, {each.version_id for each in subscriptions})
    buyers = await customers.list_by_id(tx, {each.customer_id for each in subscriptions})
    issued = await licenses.list_of_purchases(tx, {each.lineage_id for each in subscriptions})
    features: dict[UUID, Feature] = await plans.features_of(
        tx, [entitlement for version in versions.values() for entitlement in version.granted]
    )
    return [
        WholeSubscription(
            each,
            bought[each.product_id],
            versions[each.version_id],
            billed(buyers[each.customer_id]),
            features,
            issued.get(each.lineage_id, ()),
        )
        for each in subscriptions
    ]


async def told_of(tx: Tx, subscription: Subscription) -> Told:
    """Return a record with what events tell besides."""
    bought = await products.list_by_id(tx, {subscription.product_id})
    versions = await plans.list_by_id(tx, {subscription.version_id})
    buyers = await customers.list_by_id(tx, {subscription.customer_id})
    return Told(
        subscription,
        bought[subscription.product_id],
        versions[subscription.version_id],
        billed(buyers[subscription.customer_id]),
    )


def billed(customer: Customer) -> BilledCustomer:
    """Return a customer as orders and events keep them."""
    buyer = customers.summary_of(customer)
    return BilledCustomer(buyer.id, buyer.external_id, buyer.name, buyer.email, buyer.billing_address, customer.tax_id)
