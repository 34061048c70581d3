"""What a change of a subscription comes to: pure, and the same for the preview and for the change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kelviq_server.core.invoice import Item, make_invoice
from kelviq_server.core.period import Period
from kelviq_server.core.proration import unused
from kelviq_server.subscriptions.changes.errors import TrialEndPast, TrialOfOneTime
from kelviq_server.subscriptions.changes.records import EndTrial, PlanChange, ProrationBehavior, Timing
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus, Worth
from kelviq_server.subscriptions.life.rules import period_of
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.subscriptions.purchases.rules import items_of


def timing_of(before: Subscription, terms: Terms, end_trial: EndTrial | None, now: datetime) -> Timing:
    """Return which period a subscription is in once it has these terms; raises TrialEndPast, TrialOfOneTime.

    A trial goes on unless its end is moved. Another charge period begins now, and so does the first after a trial
    that ends now; else the period stays.
    """
    was_trial = before.is_on_trial
    trial_end = before.trial_end_at if was_trial else None
    if end_trial is not None:
        if end_trial.at is not None and end_trial.at <= now:
            raise TrialEndPast
        trial_end = end_trial.at
    every, cycle = terms.wanted.period, before.cycle if was_trial else before.cycle + 1
    first = period_of(now, every, 0, before.time_zone)
    if first is None:
        if end_trial is not None and end_trial.at is not None:
            raise TrialOfOneTime
        return Timing(SubscriptionStatus.ACTIVE, None, now, 0, cycle, before.trial_start_at, _past(before, now))
    if trial_end is not None:
        start = before.period.start if was_trial else now
        began = before.trial_start_at if was_trial else now
        return Timing(SubscriptionStatus.TRIALING, Period(start, trial_end), trial_end, -1, cycle, began, trial_end)
    if was_trial or every is not before.charge_period:
        return Timing(SubscriptionStatus.ACTIVE, first, now, 0, cycle, before.trial_start_at, _past(before, now))
    return Timing(
        SubscriptionStatus.ACTIVE, before.period, before.anchor_at, before.period_index, before.cycle,
        before.trial_start_at, before.trial_end_at,
    )  # fmt: skip


def _past(before: Subscription, now: datetime) -> datetime | None:
    """Return when the trial ended, which was now at the latest."""
    return None if before.trial_end_at is None else min(before.trial_end_at, now)


def plan_change(
    before: Subscription,
    terms: Terms,
    timing: Timing,
    proration: ProrationBehavior,
    used: Sequence[Item],
    now: datetime,
) -> PlanChange:
    """Return what a change comes to; `used` is what was used on the old terms, and the new ones do not charge.

    The rest of what the period was charged at is credited, and the rest of what it costs from now on is charged, each
    line counted to the second and rounded once. So whatever is changed how often within a period, each stretch of it
    is paid at what it cost, up to a minor unit for each line.
    """
    period, is_new_period = timing.period, timing.period != before.period
    is_trial = timing.status is SubscriptionStatus.TRIALING
    credits = [] if before.is_on_trial else credited(before.worth, before.period, now)
    whole = [] if is_trial else items_of(terms.items, terms.tax, period)
    # What was used is charged beside a new period: a discount is taken off once in each cycle, and this one's was.
    due: list[Item] = [*used] if is_new_period else []
    later: list[Item] = [] if is_new_period else [*used]
    beside = [*due, *before.carried] if is_new_period else []
    worth = [] if period is None or is_trial else worth_at(whole, beside, terms, timing.cycle)
    if is_new_period and not is_trial:
        charges, rest = whole, []
    else:
        charges, rest = [], [] if period is None else rest_of(worth, period, now)
    differences = [*credits, *rest]
    if proration is ProrationBehavior.NO_PRORATION:
        differences = []
        # What the period was charged at is still what is left of it.
        worth = worth if is_new_period else list(before.worth)
    if proration is ProrationBehavior.IMMEDIATE_CHARGE or period is None:
        # Of what is bought once there is no next invoice that anything could wait for.
        invoiced, carried = [*differences, *charges, *due], later
    elif charges:
        invoiced, carried = [*charges, *due], differences
    else:
        invoiced, carried = [], [*differences, *due, *later]
    if invoiced:
        # Whatever waited for the next invoice has waited for this one, but for what a discount is yet to be taken off.
        waits = [item for item in before.carried if item.is_discountable and not is_new_period]
        taken = [item for item in before.carried if item not in waits]
        return PlanChange(terms, timing, [*invoiced, *taken], [*waits, *carried], worth, taken=[*due, *taken])
    return PlanChange(terms, timing, [], [*before.carried, *carried], worth)


def worth_at(items: Sequence[Item], beside: Sequence[Item], terms: Terms, cycle: int) -> list[Worth]:
    """Return what a whole period is charged at: its price less what discounts take off it in this cycle.

    What stands beside it on the same invoice has its part of them: what is credited later is what was charged.
    """
    lines = make_invoice([*items, *beside], terms.discounts, cycle, 0).lines[: len(items)]
    charged = [(line.item, line.item.amount_units - line.discount_units) for line in lines]
    return [Worth(item.what, units, item.tax) for item, units in charged if units > 0]


def credited(worth: Sequence[Worth], period: Period, at: datetime) -> list[Item]:
    """Return the credits for what is left of a period."""
    rest = Period(max(at, period.start), period.end)
    items = [
        Item(f"Unused time on {part.what}", -unused(part.amount_units, period, at), part.tax, period=rest)
        for part in worth
    ]
    return [replace(item, is_discountable=False) for item in items if item.amount_units]


def rest_of(worth: Sequence[Worth], period: Period, at: datetime) -> list[Item]:
    """Return the charges for what is left of a period."""
    rest = Period(max(at, period.start), period.end)
    items = [
        Item(f"Remaining time on {part.what}", unused(part.amount_units, period, at), part.tax, period=rest)
        for part in worth
    ]
    return [replace(item, is_discountable=False) for item in items if item.amount_units]
