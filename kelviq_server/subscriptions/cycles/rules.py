"""What falls due of a subscription, and what a new period is charged."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from kelviq_server.catalog.plans.records import PlanVersion, PromisedRollout
from kelviq_server.catalog.prices.records import Price
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Item
from kelviq_server.core.period import Period
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.subscriptions.purchases.rules import items_of


class Due(Enum):
    """What is to be done about a record next."""

    NOTHING = "nothing"
    # A payment is on its way: ask how it ended.
    COLLECT = "collect"
    # Its payment came too late.
    EXPIRE = "expire"
    RENEW = "renew"
    END = "end"
    # Something is owed: try again to have it paid.
    RETRY = "retry"


def due_of(subscription: Subscription, now: datetime) -> Due:
    """Return what is to be done about a record next: of several things, what was due first."""
    if subscription.due_at is None or subscription.due_at > now:
        return Due.NOTHING
    if subscription.collecting_since is not None:
        return Due.COLLECT
    if subscription.status is SubscriptionStatus.INCOMPLETE:
        return Due.EXPIRE
    if not subscription.is_in_force:
        return Due.RETRY
    # Of one instant, in this order: what is owed is given up, and what ends is not renewed any more.
    waiting = [
        (subscription.retry_at, Due.RETRY),
        (subscription.ends_at, Due.END),
        (subscription.period_end, Due.RENEW),
    ]
    _, due = min((at, place) for place, (at, _) in enumerate(waiting) if at is not None)
    return waiting[due][1]


def features_promised(version: int, promised: Sequence[PromisedRollout]) -> PromisedRollout | None:
    """Return the version whose features a record gets with its next period, the latest of those promised, or None."""
    return next((each for each in promised if each.update_features and each.version > version), None)


def pricing_promised(version: int, promised: Sequence[PromisedRollout]) -> PromisedRollout | None:
    """Return the version whose price a record pays from its next period on, the latest of those promised, or None."""
    return next((each for each in promised if each.update_pricing and each.version > version), None)


def price_in(version: PlanVersion, currency: str, period: ChargePeriod) -> Price | None:
    """Return the price of a version in a currency, where it is one for this period; else None."""
    return next(
        (
            price
            for price in version.prices
            if price.currency == currency and any(part.charge_every(period) for part in price.components)
        ),
        None,
    )


def period_items(terms: Terms, period: Period, used: Sequence[Item], carried: Sequence[Item]) -> list[Item]:
    """Return what a new period is charged: its price, what was used in the one before, and what waited for it."""
    return [*items_of(terms.items, terms.tax, period), *used, *carried]
