"""How a subscription's periods and its days are counted."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.period import Period, boundary
from kelviq_server.subscriptions.life.errors import SubscriptionEnded, SubscriptionReplaced
from kelviq_server.subscriptions.life.records import Billing, Subscription, SubscriptionStatus

DAY = timedelta(days=1)


def period_of(anchor_at: datetime, every: ChargePeriod, index: int, time_zone: str) -> Period | None:
    """Return the so-manieth period from the anchor, the first being 0; None for what is bought once."""
    if every is ChargePeriod.ONE_TIME:
        return None
    zone = ZoneInfo(time_zone)
    return Period(boundary(anchor_at, every, index, zone), boundary(anchor_at, every, index + 1, zone))


def next_period(billing: Billing) -> Period:
    """Return the period after the current one; after a trial, the first that is charged."""
    index = billing.period_index + 1
    following = period_of(billing.anchor_at, billing.charge_period, index, billing.time_zone)
    assert following is not None
    # What ended is what begins, whatever the calendar was changed to meanwhile.
    return Period(billing.period.end, following.end)


def trial_days_remaining(subscription: Subscription, now: datetime) -> int:
    """Return how many days of the trial are left, a begun one being one; 0 where there is no trial, or no more."""
    if subscription.status is not SubscriptionStatus.TRIALING or subscription.trial_end_at is None:
        return 0
    return max(-((now - subscription.trial_end_at) // DAY), 0)


def refuse_ended(subscription: Subscription, current: str | None) -> None:
    """Raise SubscriptionReplaced or SubscriptionEnded for a record that can no longer change.

    `current` is the id of the record that stands for the subscription today.
    """
    if subscription.status is SubscriptionStatus.SUPERSEDED:
        raise SubscriptionReplaced(f"The subscription was updated since. Its current id is {current}.")
    if subscription.is_in_force or subscription.status is SubscriptionStatus.INCOMPLETE:
        return
    if current is not None and current != str(subscription.id):
        raise SubscriptionEnded(f"This update of the subscription came to nothing. Its current id is {current}.")
    raise SubscriptionEnded


def grants_differ(before: Subscription, after: Subscription) -> bool:
    """Say whether two states of a record in force may grant something else, or until another instant."""
    return _granting(before) != _granting(after)


def _granting(subscription: Subscription) -> tuple[object, ...]:
    return (
        subscription.version_id,
        subscription.price_id,
        subscription.charge_period,
        subscription.features,
        subscription.anchor_at,
        subscription.time_zone,
        subscription.ends_at,
    )
