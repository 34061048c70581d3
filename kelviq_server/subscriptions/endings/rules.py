"""When a cancelled subscription ends."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from kelviq_server.billing.orders.records import BillingType
from kelviq_server.subscriptions.endings.errors import CancellationDatePast, NoPeriodEnds
from kelviq_server.subscriptions.endings.records import Cancel, CancellationType
from kelviq_server.subscriptions.life.records import Subscription


def ends_at(subscription: Subscription, cancel: Cancel, time_zone: str, now: datetime) -> datetime:
    """Return the instant at which a subscription ends: now, with its period, or when a day begins, today being now.

    The day is the seller's. Raises NoPeriodEnds, CancellationDatePast.
    """
    if cancel.type is CancellationType.IMMEDIATE:
        return now
    if cancel.type is CancellationType.CURRENT_PERIOD_ENDS:
        if subscription.billing_type is BillingType.ONE_TIME:
            raise NoPeriodEnds
        return subscription.period.end
    assert cancel.on is not None
    zone = ZoneInfo(time_zone)
    if cancel.on < now.astimezone(zone).date():
        raise CancellationDatePast
    return max(datetime.combine(cancel.on, time(), zone).astimezone(UTC), now)
