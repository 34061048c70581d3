"""What was used of what is paid by usage, as it is charged: once, by whoever charges its period."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.sales.records import PricedItem
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Item
from kelviq_server.core.period import Period
from kelviq_server.platform.database import Tx
from kelviq_server.platform.values import currency_exponents
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.records import Subscription
from kelviq_server.subscriptions.metering.records import Used
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.usage.charges import steps as usage
from kelviq_server.usage.charges.records import UsageCharge


async def used_within(tx: Tx, before: Subscription, terms: Terms, period: Period) -> Used:
    """Return what was used within a period of what is paid by usage; what costs nothing is left out of its items."""
    used = Used()
    for feature_id in sales.metered(terms.price, before.charge_period):
        counted = Period(min(await _counted_since(tx, before, feature_id, period), period.end), period.end)
        quantity = await usage.quantity_used(tx, before.customer_id, before.lineage_id, feature_id, counted)
        charge = UsageCharge(feature_id, counted, quantity, terms.price.id)
        used.charges.append(charge)
        cost = _cost(terms.version, terms.features[feature_id], terms.price, before.charge_period, charge.quantity)
        if cost.amount_units:
            used.items.append(Item(cost.what, cost.amount_units, terms.tax, cost.quantity, cost.unit_price, counted))
    return used


async def no_longer_charged(
    tx: Tx, before: Subscription, had: Terms, price: Price, every: ChargePeriod, begins_at: datetime | None
) -> Used:
    """Return what was used so far of what a new price does not charge at the end of the period.

    Where a new period begins, the new price charges what it meters from then on, and nothing of what was before.
    """
    still, start = sales.metered(price, every), before.period.start
    ending = _of(had, lambda feature_id: feature_id not in still)
    used = await used_within(tx, before, ending, Period(start, max(tx.now, start)))
    if begins_at is not None:
        going_on = _of(had, lambda feature_id: feature_id in still)
        earlier = await used_within(tx, before, going_on, Period(start, max(begins_at, start)))
        used = Used([*used.items, *earlier.items], [*used.charges, *earlier.charges])
    return used


def _of(terms: Terms, is_meant: Callable[[UUID | None], bool]) -> Terms:
    """Return terms with those components alone that are of features which are meant."""
    components = tuple(part for part in terms.price.components if is_meant(part.feature_id))
    return replace(terms, price=replace(terms.price, components=components))


async def with_late(tx: Tx, before: Subscription, terms: Terms, used: Used) -> Used:
    """Return what was used, and what was reported of earlier periods once those had been charged."""
    for earlier in await usage.list_behind(tx, before.lineage_id):
        if any(_has(charge, earlier) for charge in used.charges):
            continue
        price = await plans.get_price(tx, earlier.price_id)
        version = (await plans.list_by_id(tx, {price.version_id}))[price.version_id]
        feature = (await plans.priced_features(tx, price))[earlier.feature_id]
        period = earlier.period
        quantity = await usage.quantity_used(tx, before.customer_id, before.lineage_id, feature.id, period)
        used.charges.append(UsageCharge(feature.id, period, quantity, price.id))
        # The whole period anew, less what was charged of it: so tiers are as if nothing had been late.
        whole = _cost(version, feature, price, ChargePeriod.MONTHLY, quantity)
        units = whole.amount_units - _cost(version, feature, price, ChargePeriod.MONTHLY, earlier.quantity).amount_units
        if units:
            what = f"{whole.what.removesuffix(')')}, reported late)"
            more = quantity - earlier.quantity
            used.items.append(Item(what, units, terms.tax, more, whole.unit_price, period))
    return used


def _has(charge: UsageCharge, earlier: UsageCharge) -> bool:
    """Say whether what is charged has what was noted before: of a change that never took effect."""
    return charge.feature_id == earlier.feature_id and charge.period.start <= earlier.period.start


def _cost(version: PlanVersion, feature: Feature, price: Price, every: ChargePeriod, quantity: int) -> PricedItem:
    component, charge = sales.metered(price, every)[feature.id]
    exponent = currency_exponents()[price.currency]
    return sales.used_item(version, feature, component, charge, quantity, exponent)


async def note_charged(tx: Tx, subscription: Subscription, used: Used) -> None:
    """Note what is charged of a subscription's usage, in the transaction that writes its invoice, or lets it wait."""
    if used.charges:
        await usage.note_charged(tx, subscription.customer_id, subscription.lineage_id, used.charges)


async def _counted_since(tx: Tx, subscription: Subscription, feature_id: UUID, period: Period) -> datetime:
    """Return from when on usage within a period is yet to be charged: since it is metered without a break.

    What was used before was charged when a change ended that, or was in the price of what was not metered.
    """
    while subscription.predecessor_id is not None and _effective_at(subscription) > period.start:
        earlier = await life.find_subscription(tx, subscription.predecessor_id)
        assert earlier is not None
        price = await plans.get_price(tx, earlier.price_id)
        if feature_id not in sales.metered(price, earlier.charge_period):
            return _effective_at(subscription)
        subscription = earlier
    return period.start


def _effective_at(subscription: Subscription) -> datetime:
    return subscription.effective_at or subscription.created_at
