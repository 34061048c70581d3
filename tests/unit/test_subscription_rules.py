"""When something is due of a subscription, what that is, and how its periods, trials and retries are counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.billing.orders.events import EXAMPLE as BOUGHT
from kelviq_server.billing.orders.records import BillingType, Order, PaidWith
from kelviq_server.catalog.plans.records import PromisedRollout
from kelviq_server.catalog.prices.records import Price, PriceType
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Item, make_invoice
from kelviq_server.core.period import Period
from kelviq_server.subscriptions.collection.rules import (
    RETRY_DAYS,
    is_exhausted,
    next_retry,
    retries_for,
    status_once_paid,
)
from kelviq_server.subscriptions.cycles.rules import Due, due_of, features_promised, pricing_promised
from kelviq_server.subscriptions.endings.errors import CancellationDatePast, NoPeriodEnds
from kelviq_server.subscriptions.endings.records import Cancel, CancellationType
from kelviq_server.subscriptions.endings.rules import ends_at
from kelviq_server.subscriptions.life.errors import SubscriptionEnded, SubscriptionReplaced
from kelviq_server.subscriptions.life.records import IN_FORCE, Subscription, SubscriptionStatus, Worth
from kelviq_server.subscriptions.life.rules import next_period, period_of, refuse_ended, trial_days_remaining
from kelviq_server.subscriptions.purchases.errors import NoTrialWithoutRenewal
from kelviq_server.subscriptions.purchases.records import Offer
from kelviq_server.subscriptions.purchases.rules import trial_days, worth_of
from tests.unit.changing import START, UNTAXED, example

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENDED = (SubscriptionStatus.CANCELED, SubscriptionStatus.SUPERSEDED, SubscriptionStatus.INCOMPLETE_EXPIRED)
instants = st.integers(-5, 5).map(lambda hours: START + hours * HOUR)
maybe = st.none() | instants


def record(status: SubscriptionStatus = SubscriptionStatus.ACTIVE, **values: Any) -> Subscription:
    """Return a record with the instant at which the database says that something is due."""
    made = example(status=status, trial_start_at=None, trial_end_at=None, **values)
    match status:
        case SubscriptionStatus.INCOMPLETE:
            waits = [made.expires_at]
        case SubscriptionStatus.CANCELED:
            waits = [made.retry_at, made.collecting_since]
        case SubscriptionStatus.SUPERSEDED | SubscriptionStatus.INCOMPLETE_EXPIRED:
            waits = []
        case _:
            waits = [made.period_end, made.ends_at, made.retry_at, made.collecting_since]
    return replace(made, due_at=min((at for at in waits if at is not None), default=None))


@given(st.sampled_from(IN_FORCE), instants, maybe, maybe)
def test_of_several_things_the_one_that_was_due_first_is_done_first(
    status: SubscriptionStatus, period_end: datetime, ends: datetime | None, retry: datetime | None
) -> None:
    due = due_of(record(status, period_end=period_end, ends_at=ends, retry_at=retry), START)
    waits = {Due.RETRY: retry, Due.END: ends, Due.RENEW: period_end}
    overdue = {each: at for each, at in waits.items() if at is not None and at <= START}
    if due is Due.NOTHING:
        assert not overdue
    else:
        assert overdue[due] == min(overdue.values())


@pytest.mark.parametrize("status", IN_FORCE)
def test_at_one_instant_what_is_owed_is_given_up_and_what_ends_is_not_renewed(status: SubscriptionStatus) -> None:
    everything = record(status, period_end=START, ends_at=START, retry_at=START)
    assert due_of(everything, START) is Due.RETRY
    assert due_of(record(status, period_end=START, ends_at=START), START) is Due.END
    assert due_of(record(status, period_end=START), START) is Due.RENEW
    assert due_of(record(status, period_end=START), START - timedelta(microseconds=1)) is Due.NOTHING
    assert due_of(record(status, period_end=START, ends_at=START, collecting_since=START - DAY), START) is Due.COLLECT


def test_what_is_not_in_force_is_asked_for_or_expires_and_nothing_else() -> None:
    waiting = record(SubscriptionStatus.INCOMPLETE, period_end=START - DAY, expires_at=START)
    assert due_of(waiting, START) is Due.EXPIRE
    assert due_of(waiting, START - HOUR) is Due.NOTHING
    for status in ENDED:
        assert due_of(record(status, period_end=START, ends_at=START), START) is Due.NOTHING
    ended = record(SubscriptionStatus.CANCELED, period_end=START - DAY, retry_at=START)
    assert due_of(ended, START) is Due.RETRY
    assert due_of(replace(ended, collecting_since=START), START) is Due.COLLECT


def order(method: PaidWith | None) -> Order:
    return replace(BOUGHT.order, payment_method=method)


@pytest.mark.parametrize("method", [None, PaidWith("card", "visa", "4242", "US")])
def test_a_card_is_tried_eight_times_in_two_weeks(method: PaidWith | None) -> None:
    allowed = retries_for(order(method))
    days = [(next_retry(START, retries, allowed) - START).days for retries in range(allowed)]
    assert days == list(RETRY_DAYS) == [1, 2, 3, 5, 7, 9, 11, 14]
    assert [is_exhausted(retries, allowed) for retries in range(9)] == [False] * 8 + [True]
    # After the last one nothing more is waited for.
    assert next_retry(START, 8, allowed) == START + 14 * DAY


def test_other_methods_are_not_tried_again() -> None:
    allowed = retries_for(order(PaidWith("sepa_debit", None, None, "DE")))
    assert is_exhausted(0, allowed)
    assert next_retry(START, 0, allowed) == START


def test_what_is_paid_is_on_trial_until_that_ends() -> None:
    trial = example(period_end=START, trial_end_at=START)
    assert status_once_paid(trial) is SubscriptionStatus.TRIALING
    for earlier in (None, START - DAY):
        assert status_once_paid(replace(trial, trial_end_at=earlier)) is SubscriptionStatus.ACTIVE


@given(st.sampled_from([every for every in ChargePeriod if every is not ChargePeriod.ONE_TIME]), st.integers(-1, 40),
       st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]))  # fmt: skip
def test_the_next_period_begins_where_the_current_one_ends(every: ChargePeriod, index: int, zone: str) -> None:
    current = period_of(START, every, index, zone)
    assert current is not None
    billing = example(
        charge_period=every, anchor_at=START, time_zone=zone, period_index=index, period_start=current.start,
        period_end=current.end,
    )  # fmt: skip
    following = next_period(billing)
    assert following == period_of(START, every, index + 1, zone)
    assert following.start == current.end


def test_the_first_period_after_a_trial_begins_where_it_ends() -> None:
    trial = example(anchor_at=START, period_index=-1, period_start=START - 14 * DAY, period_end=START)
    assert next_period(trial) == Period(START, datetime(2031, 2, 28, 9, 30, tzinfo=UTC))


def test_what_is_bought_once_has_no_period() -> None:
    assert period_of(START, ChargePeriod.ONE_TIME, 0, "UTC") is None


@pytest.mark.parametrize(
    ("left", "days"), [(14 * DAY, 14), (DAY + timedelta(microseconds=1), 2), (DAY, 1), (HOUR, 1), (-HOUR, 0)]
)
def test_a_day_of_the_trial_that_has_begun_is_one(left: timedelta, days: int) -> None:
    trial = example(status=SubscriptionStatus.TRIALING, trial_end_at=START + left)
    assert trial_days_remaining(trial, START) == days
    assert trial_days_remaining(replace(trial, status=SubscriptionStatus.ACTIVE), START) == 0


def test_what_has_ended_or_was_replaced_says_which_record_stands_for_it() -> None:
    for status in (*IN_FORCE, SubscriptionStatus.INCOMPLETE):
        refuse_ended(example(status=status), None)
    current = str(uuid4())
    with pytest.raises(SubscriptionReplaced, match=current):
        refuse_ended(example(status=SubscriptionStatus.SUPERSEDED), current)
    with pytest.raises(SubscriptionEnded, match=current):
        refuse_ended(example(status=SubscriptionStatus.INCOMPLETE_EXPIRED), current)
    canceled = example(status=SubscriptionStatus.CANCELED)
    with pytest.raises(SubscriptionEnded) as refused:
        refuse_ended(canceled, str(canceled.id))
    assert str(refused.value) == "", "nothing else stands for it"


def test_what_publishing_promised_is_the_latest_that_is_newer() -> None:
    def promise(version: int, *, features: bool = True, pricing: bool = True) -> PromisedRollout:
        return PromisedRollout(features, pricing, version_id=uuid4(), version=version)

    both, features, pricing = promise(2), promise(3, pricing=False), promise(4, features=False)
    latest_first = [pricing, features, both]
    assert features_promised(1, latest_first) is features_promised(2, latest_first) is features
    assert features_promised(3, latest_first) is None
    assert pricing_promised(3, latest_first) is pricing
    assert pricing_promised(4, latest_first) is None
    assert pricing_promised(1, [features]) is None


def test_a_trial_is_as_long_as_the_offer_says_or_else_the_price() -> None:
    price = Price(
        price_type=PriceType.PAID, currency="USD", id=uuid4(), version_id=uuid4(), free_trial=True, trial_days=14
    )
    offer = Offer("pro", ChargePeriod.MONTHLY)
    assert trial_days(offer, price, is_one_time=False) == 14
    assert trial_days(replace(offer, trial_days=3), price, is_one_time=False) == 3
    assert trial_days(replace(offer, trial_days=0), price, is_one_time=False) == 0
    assert trial_days(offer, replace(price, free_trial=False), is_one_time=False) == 0
    assert trial_days(offer, price, is_one_time=True) == 0
    with pytest.raises(NoTrialWithoutRenewal):
        trial_days(replace(offer, trial_days=3), price, is_one_time=True)


def test_only_the_price_of_the_period_is_worth_something_later() -> None:
    """What was used in the period before, and what a change left for this invoice, is paid and gone."""
    january, february = Period(START - 31 * DAY, START), Period(START, START + 28 * DAY)
    items = [
        Item("Pro", 1000, UNTAXED, period=february), Item("Calls", 300, UNTAXED, period=january),
        Item("Remaining time on Max", 200, UNTAXED, period=Period(START - DAY, START)),
        Item("Unused time on Pro", -100, UNTAXED, period=Period(START - DAY, START)),
    ]  # fmt: skip
    assert worth_of(make_invoice(items, [], 0, 0), february) == [Worth("Pro", 1000, UNTAXED)]
    assert worth_of(make_invoice(items, [], 0, 0), None) == []


def test_a_subscription_ends_now_or_with_its_period_or_as_the_sellers_day_begins() -> None:
    cancel = Cancel(uuid4(), CancellationType.IMMEDIATE, None)
    end = START + 28 * DAY
    subscription = example(period_start=START, period_end=end)
    assert ends_at(subscription, cancel, "UTC", START) == START
    at_end = replace(cancel, type=CancellationType.CURRENT_PERIOD_ENDS)
    assert ends_at(subscription, at_end, "UTC", START) == end
    with pytest.raises(NoPeriodEnds):
        ends_at(replace(subscription, billing_type=BillingType.ONE_TIME), at_end, "UTC", START)

    def on(day: date, zone: str) -> datetime:
        dated = replace(cancel, type=CancellationType.SPECIFIC_DATE, on=day)
        return ends_at(subscription, dated, zone, START)

    assert on(date(2031, 2, 10), "UTC") == datetime(2031, 2, 10, tzinfo=UTC)
    assert on(date(2031, 2, 10), "America/New_York") == datetime(2031, 2, 10, 5, tzinfo=UTC)
    # It is still the 30th there: that day is today, and begun.
    assert on(date(2031, 1, 30), "Pacific/Honolulu") == START
    with pytest.raises(CancellationDatePast):
        on(date(2031, 1, 30), "UTC")
