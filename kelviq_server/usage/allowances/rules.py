"""How allowances change: time passes, something is used, terms change. A row that is locked is changed in place."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.catalog.prices.records import ThresholdType
from kelviq_server.core.allowance import reached
from kelviq_server.usage.allowances.records import (
    NOTHING,
    Allowance,
    Day,
    Granted,
    Holder,
    OverrideLimit,
    drawing_order,
)
from kelviq_server.usage.meters.rules import joined, merged


def grant(allowance: Allowance, granted: Granted, holder: Holder, now: datetime) -> None:
    """Let terms hold for an allowance from now on; what was used is kept, and counts against them at once."""
    terms, alerts = granted.terms, granted.alerts
    schedule = terms.schedule
    has_begun, is_new = allowance.is_granted, allowance.subscription_id is None
    allowance.is_granted, allowance.subscription_id, allowance.ends_at = True, holder.subscription_id, holder.ends_at
    allowance.usage_limit, allowance.is_hard = terms.limit, terms.is_hard
    if not has_begun or schedule != allowance.schedule:
        span = schedule.around(now)
        allowance.is_whole &= is_new or span == allowance.span
        allowance.period_start, allowance.period_end = span.start, span.end
    allowance.every = schedule.every
    allowance.anchor_at, allowance.time_zone = schedule.anchor, schedule.time_zone
    allowance.carry_percentage = None if terms.carry is None else terms.carry.percentage
    allowance.carry_limit = None if terms.carry is None else terms.carry.limit
    allowance.alert_type = None if alerts is None else alerts.threshold_type
    allowance.alert_thresholds = [] if alerts is None else list(alerts.thresholds)
    allowance.since = now


def move(nothing: Allowance, allowance: Allowance, aggregation: Aggregation, now: datetime, different: int) -> None:
    """Let what was used while nothing granted it count for what grants it now.

    `different`: how many values of it are not known there yet, where a meter counts different ones.
    """
    count = different if aggregation is Aggregation.UNIQUE else nothing.count
    kept = (allowance.total, allowance.count, allowance.latest_at)
    moved = (nothing.total, count, nothing.latest_at)
    allowance.total, allowance.count, allowance.latest_at = joined(aggregation, kept, moved)
    allowance.held += nothing.held
    nothing.total, nothing.count, nothing.latest_at, nothing.held = Decimal(0), 0, None, 0
    nothing.reset_at = now
    nothing.is_whole = allowance.is_whole = False


def override(rows: Iterable[Allowance], limit: OverrideLimit | None, now: datetime) -> list[Allowance]:
    """Let a limit hold for all allowances of a meter together, or none; return those that changed.

    The one that is drawn from first has all of it, the others nothing: in sum it is that.
    """
    found = list(rows)
    first = next(iter(drawing_order(found, now)), None)
    changed: list[Allowance] = []
    for each in found:
        # What is kept of nothing is drawn from where nothing else is, such as just after an end: then it has all of it.
        has_all = each is first or each.lineage_id == NOTHING
        own = None if limit is None or limit.units is None else limit.units if has_all else 0
        values = (limit is not None, own, None if limit is None else limit.until)
        if values != (each.is_overridden, each.override_limit, each.override_until):
            each.is_overridden, each.override_limit, each.override_until = values
            changed.append(each)
    return changed


def reset(allowance: Allowance, now: datetime) -> None:
    """Let nothing be used in the current period; what reservations hold, what was carried, and the days stay."""
    allowance.total, allowance.count, allowance.latest_at, allowance.alerted = Decimal(0), 0, None, []
    allowance.reset_at, allowance.is_whole = now, False


def revoke(allowance: Allowance, now: datetime) -> None:
    """Let nothing grant it any more; what was used is kept, should a later change bring it back."""
    allowance.is_granted, allowance.since = False, now


def day_of(allowance: Allowance, at: datetime) -> datetime:
    """Return where the day begins to which something belongs that was used of an allowance at an instant.

    A day is divided where a period begins in it, where terms changed, or where usage was set to zero.
    """
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if allowance.period_start is not None and (allowance.period_end is None or at < allowance.period_end):
        begun = allowance.period_start if allowance.period_start <= at else allowance.schedule.around(at).start
    else:
        begun = allowance.schedule.around(at).start
    return max(each for each in (start, begun, allowance.since, allowance.reset_at) if each is not None and each <= at)


def count(allowance: Allowance, aggregation: Aggregation, value: Decimal, at: datetime) -> None:
    """Count a value that falls into the current period."""
    kept = (allowance.total, allowance.count, allowance.latest_at)
    allowance.total, allowance.count, allowance.latest_at = merged(aggregation, kept, value, at)


def add_to_day(day: Day, aggregation: Aggregation, value: Decimal, at: datetime, times: int) -> None:
    """Add a value to what is about to be added to a day."""
    if times:
        kept = (day.total, day.count, day.latest_at)
        day.total, day.count, day.latest_at = merged(aggregation, kept, value, at)


def thresholds_reached(allowance: Allowance, used: int, allowed: int | None) -> list[Decimal]:
    """Return the thresholds that usage has reached, and of which nobody was told in this period; they are noted."""
    if allowance.alert_type is None or not allowance.alert_thresholds:
        return []
    is_percentage = allowance.alert_type is ThresholdType.PERCENTAGE
    found = reached(used, allowed, allowance.alert_thresholds, is_percentage=is_percentage)
    new = [threshold for threshold in found if threshold not in allowance.alerted]
    if new:
        allowance.alerted = [*allowance.alerted, *new]
    return new
