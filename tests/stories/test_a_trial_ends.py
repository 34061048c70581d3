"""Somebody tries before they pay: what the end of a trial charges, and what happens where it cannot."""

import pytest

from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

START, END = "2031-03-03T10:00:00.000000Z", "2031-03-17T10:00:00.000000Z"
BEFORE_END = "2031-03-17T09:59:59Z"


@pytest.fixture
async def trial(api: Client) -> str:
    """A plan of 100.00 a month that may be tried for two weeks."""
    await subs.freeze(api, START)
    return await subs.recurring(api, freeTrial=True, trialPeriod=14)


@pytest.mark.usefixtures("trial")
async def test_a_trial_is_converted_and_renewed(api: Client, made: Made) -> None:
    await money.customer(api)
    created = await subs.subscribed(api)
    assert (created["status"], created["trialDaysRemaining"]) == ("trialing", 14)
    assert (created["billingPeriodStartTime"], created["billingPeriodEndTime"]) == (START, END)
    assert await subs.bills(api) == [("PAID", "0.00", "0.00")]
    assert await subs.asked(api) == [], "the card is saved and not charged"
    [order] = await subs.orders(api)
    assert (order["isTrial"], order["isRenewal"], order["billingType"]) == (True, False, "SUBSCRIPTION")

    # A second before the end nothing has happened yet, and what is left of the last day counts as a day.
    await subs.advance(api, BEFORE_END)
    now = await subs.shown(api, created)
    assert (now["status"], now["trialDaysRemaining"]) == ("trialing", 1)
    assert await subs.paid(api) == [0]

    # The end of the trial charges, and periods are counted from there.
    await subs.advance(api, END)
    now = await subs.shown(api, created)
    assert (now["status"], now["trialDaysRemaining"], now["startDate"]) == ("active", 0, "2031-03-03")
    assert (now["billingPeriodStartTime"], now["billingPeriodEndTime"]) == (END, "2031-04-17T10:00:00.000000Z")
    await subs.advance(api, "2031-05-17T10:00:00Z")
    assert await subs.paid(api) == [0, 10_000, 10_000, 10_000]
    assert [(each["isTrial"], each["isRenewal"]) for each in await subs.orders(api)] == [
        (True, False), (False, True), (False, True), (False, True),
    ]  # fmt: skip
    paid = ["order.created: COMPLETE", "order.updated: COMPLETE", "invoice.created: OPEN", "invoice.paid: PAID"]
    assert await subs.heard(api, *subs.OF_MONEY) == [
        *paid, "subscription.created: trialing", *["subscription.updated: active", *paid] * 3,
    ]  # fmt: skip
    [(_, converted), *_] = await subs.told(api, "subscription.updated")
    assert converted["previous_attributes"]["status"] == "trialing"
    await money.books_balance(made)


@pytest.mark.usefixtures("trial")
async def test_a_trial_whose_card_fails_at_its_end_is_owed_and_given_up(api: Client, made: Made) -> None:
    await money.customer(api, money.DECLINED_LATER)
    created = await subs.subscribed(api)
    assert created["status"] == "trialing"
    await subs.advance(api, END)
    now = await subs.shown(api, created)
    assert (now["status"], now["billingPeriodStartTime"]) == ("past_due", END)
    assert await subs.bills(api) == [("PAID", "0.00", "0.00"), ("PAYMENT_FAILED", "100.00", "100.00")]

    await subs.advance(api, "2031-04-01T00:00:00Z")
    now = await subs.shown(api, created)
    assert (now["status"], now["endDate"], now["cancellationReason"]) == (
        "canceled",
        "2031-03-31",
        "CANCELLED_BY_PROVIDER",
    )
    assert await subs.asked(api) == [("failure", 10_000)] * 9
    assert await subs.bills(api) == [("PAID", "0.00", "0.00"), ("VOID", "100.00", "100.00")]
    await money.books_balance(made)


@pytest.mark.usefixtures("trial")
async def test_a_trial_whose_card_fails_goes_on_with_a_good_one(api: Client, made: Made) -> None:
    await money.customer(api, money.DECLINED_LATER)
    created = await subs.subscribed(api)
    await subs.advance(api, END)
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-03-18T10:00:00Z")
    assert (await subs.shown(api, created))["status"] == "active"
    assert await subs.asked(api) == [("failure", 10_000), ("success", 10_000)]
    assert await subs.bills(api) == [("PAID", "0.00", "0.00"), ("PAID", "100.00", "100.00")]
    await money.books_balance(made)


@pytest.mark.usefixtures("trial")
@pytest.mark.parametrize("type", ["IMMEDIATE", "CURRENT_PERIOD_ENDS"])
async def test_who_leaves_during_a_trial_is_never_charged(api: Client, made: Made, type: str) -> None:
    await money.customer(api)
    created = await subs.subscribed(api)
    await subs.advance(api, "2031-03-10T00:00:00Z")
    left = await subs.cancelled(api, created, type)
    if type == "IMMEDIATE":
        assert (left["status"], left["endDate"], left["trialDaysRemaining"]) == ("canceled", "2031-03-10", 0)
    else:
        assert (left["status"], left["endDate"], left["trialDaysRemaining"]) == ("trialing", "2031-03-17", 8)
    await subs.advance(api, "2031-06-01T00:00:00Z")
    assert (await subs.shown(api, created))["status"] == "canceled"
    assert await subs.asked(api) == []
    assert await subs.bills(api) == [("PAID", "0.00", "0.00")]
    told = await subs.heard(api, "subscription.updated", "subscription.cancelled")
    scheduled = [] if type == "IMMEDIATE" else ["subscription.updated: trialing"]
    assert told == [*scheduled, "subscription.cancelled: canceled"]
    await money.books_balance(made)


@pytest.mark.usefixtures("trial")
async def test_a_trial_needs_a_card_and_a_price_that_comes_round(api: Client, made: Made) -> None:
    await money.customer(api, None)
    answer = await api.post("/subscriptions/create/", subs.body())
    why = {"detail": "A payment method is required to complete this payment."}
    assert (answer.status_code, answer.json()) == (400, why)
    assert await subs.bills(api) == []
    assert await subs.told(api, *subs.OF_MONEY) == []
    # What is bought once is not tried.
    await catalog.plan(api, "both")
    once = catalog.entry(catalog.charge("MONTHLY", 100), catalog.charge("ONE_TIME", 900))
    await catalog.set_prices(api, "both", catalog.price(once, freeTrial=True, trialPeriod=14))
    await catalog.publish(api, "both")
    await money.only_card(api, "ada")
    bought = await subs.subscribed(api, "both", "ONE_TIME")
    assert (bought["status"], bought["trialDaysRemaining"], bought["billingType"]) == ("active", 0, "ONE_TIME")
    assert (bought["billingPeriodEndTime"], bought["recurrence"]) == (None, "")
    assert await subs.paid(api) == [90_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("trial")
async def test_a_trial_is_ended_now(api: Client, made: Made) -> None:
    await money.customer(api)
    created = await subs.subscribed(api)
    await subs.advance(api, "2031-03-08T18:30:00Z")
    record = await subs.updated(api, created, trialEnd="now")
    assert record["id"] != created["id"]
    assert (record["status"], record["trialDaysRemaining"]) == ("active", 0)
    assert record["billingPeriodStartTime"] == "2031-03-08T18:30:00.000000Z"
    assert record["billingPeriodEndTime"] == "2031-04-08T18:30:00.000000Z"
    assert (await subs.shown(api, created))["status"] == "superseded"
    assert await subs.paid(api) == [0, 10_000]
    await subs.foretold(api, record)
    assert await subs.paid(api) == [0, 10_000, 10_000]
    # Nothing comes of the day on which the trial was to end.
    assert len(await subs.bills(api)) == 3
    await money.books_balance(made)


@pytest.mark.usefixtures("trial")
async def test_a_trial_is_made_longer_and_another_plan_is_tried(api: Client, made: Made) -> None:
    await subs.recurring(api, "team", 250)
    await money.customer(api)
    created = await subs.subscribed(api)
    await subs.advance(api, "2031-03-08T18:30:00Z")
    # As the clients write it: without a zone it is UTC.
    longer = await subs.updated(api, created, trialEnd="2031-03-31 23:59:59")
    assert (longer["status"], longer["trialDaysRemaining"]) == ("trialing", 24)
    assert longer["billingPeriodStartTime"] == START
    assert longer["billingPeriodEndTime"] == "2031-03-31T23:59:59.000000Z"
    # The trial goes on with another plan, though that has none of its own.
    team = await subs.updated(api, longer, "team")
    assert (team["status"], team["amount"]) == ("trialing", "250.00")
    assert team["billingPeriodEndTime"] == "2031-03-31T23:59:59.000000Z"
    assert await subs.refused_update(api, team, "team", trialEnd="2031-03-08T18:30:00Z") == {
        "trialEnd": ["The end of a trial must be in the future."]
    }
    assert await subs.asked(api) == []
    await subs.foretold(api, team)
    # The month is counted from the last of March.
    now = await subs.shown(api, team)
    assert (now["status"], now["billingPeriodEndTime"]) == ("active", "2031-04-30T23:59:59.000000Z")
    assert await subs.paid(api) == [0, 25_000]
    statuses = [(await subs.shown(api, each))["status"] for each in (created, longer)]
    assert statuses == ["superseded", "superseded"]
    assert await subs.listed(api) == [team["id"]]
    await money.books_balance(made)


async def test_somebody_who_pays_is_given_a_trial(api: Client, made: Made) -> None:
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    await subs.recurring(api)
    await money.customer(api)
    created = await subs.subscribed(api)
    await subs.advance(api, "2031-04-16T00:00:00Z")
    # Half a month is left, which is theirs again; the trial's end charges anew.
    record = await subs.updated(api, created, trialEnd="2031-04-26T00:00:00Z")
    assert (record["status"], record["trialDaysRemaining"]) == ("trialing", 10)
    assert await subs.credit(api) + sum(line["amountUnits"] for line in record["preview"]["immediateLineItems"]) == 0
    await subs.foretold(api, record)
    now = await subs.shown(api, record)
    assert (now["status"], now["billingPeriodEndTime"]) == ("active", "2031-05-26T00:00:00.000000Z")
    assert await subs.paid(api) == [10_000, 5_000]
    await money.books_balance(made)
