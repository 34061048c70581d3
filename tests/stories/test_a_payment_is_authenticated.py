"""A bank wants to hear from its customer: what waits for that, for how long, and what is in force meanwhile."""

from typing import Any

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, HALF, MAY = "2031-04-01T00:00:00Z", "2031-04-16T00:00:00Z", "2031-05-01T00:00:00Z"
LATER = {"paymentBehavior": "activate_on_payment"}
WAITS = {"detail": "The subscription waits for a payment already: its first, or that of another update."}


@pytest.fixture
async def plans(api: Client) -> None:
    """Three plans: of 20.00, 100.00 and 200.00 a month."""
    await subs.freeze(api, APRIL)
    for plan, amount in (("basic", 20), ("pro", 100), ("team", 200)):
        await subs.recurring(api, plan, amount)


async def paying(api: Client, number: str = money.ASKS_FOR_AUTHENTICATION) -> dict[str, Any]:
    """Subscribe somebody, and let them pay with another card from the middle of April on."""
    await money.customer(api)
    subscription = await subs.subscribed(api)
    await subs.advance(api, HALF)
    await money.only_card(api, "ada", number)
    return subscription


async def statuses(api: Client, *records: dict[str, Any]) -> list[str]:
    """Return where these records stand."""
    return [(await subs.shown(api, record))["status"] for record in records]


@pytest.mark.usefixtures("plans")
async def test_a_subscription_waits_for_its_first_payment_and_no_longer_than_23_hours(api: Client, made: Made) -> None:
    await money.customer(api, money.ASKS_FOR_AUTHENTICATION)
    created = await subs.subscribed(api)
    assert created["status"] == "incomplete"
    assert await subs.bills(api) == [("OPEN", "100.00", "100.00")]
    assert await subs.listed(api) == await subs.listed(api, status="incomplete") == [created["id"]]
    assert await subs.orders(api) == []

    await subs.advance(api, "2031-04-01T22:59:59Z")
    assert await statuses(api, created) == ["incomplete"]
    await subs.advance(api, "2031-04-01T23:00:00Z")
    assert await statuses(api, created) == ["incomplete_expired"]
    assert await subs.bills(api) == [("VOID", "100.00", "100.00")]
    assert [order["status"] for order in await subs.orders(api)] == ["FAILED"]
    assert await subs.listed(api) == []
    assert await subs.listed(api, status="incomplete_expired") == [created["id"]]

    # It is asked for once, and there are no renewals of what never began.
    await subs.advance(api, "2031-07-01T00:00:00Z")
    assert await subs.asked(api) == [("failure", 10_000)]
    assert await subs.heard(api, *subs.OF_MONEY) == [
        "invoice.created: OPEN",
        "invoice.payment_failed: OPEN",
        "subscription.updated: incomplete_expired",
    ]
    assert await subs.refused_cancel(api, created) == {"detail": "The subscription has ended."}
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_subscription_whose_card_is_declined_is_not_there(api: Client, made: Made) -> None:
    await money.customer(api, money.DECLINED_LATER)
    answer = await api.post("/subscriptions/create/", subs.body())
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": "The payment was declined. Ask the customer for another payment method."},
    )
    assert await subs.bills(api) == []
    assert await subs.listed(api) == []
    assert await subs.listed(api, status="incomplete_expired") == []
    assert await subs.heard(api, *subs.OF_MONEY) == []
    await money.only_card(api, "ada")
    await subs.subscribed(api)
    assert await subs.asked(api) == [("failure", 10_000), ("success", 10_000)]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize(
    ("number", "status", "told"),
    [
        (money.ANSWERS_LATE, "active", "subscription.created: active"),
        (money.DECLINES_LATE, "incomplete_expired", "subscription.updated: incomplete_expired"),
    ],
)
async def test_a_subscription_whose_first_payment_is_answered_late(
    api: Client, made: Made, number: str, status: str, told: str
) -> None:
    await money.customer(api, number)
    answer = await api.post("/subscriptions/create/", subs.body(), headers={"Idempotency-Key": "one"})
    [id] = await subs.listed(api, status="incomplete")
    detail = f"How the payment of subscription {id} ended is not known yet: do not create it again."
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    # Sent again with its key it is the same one, then and later.
    again = await api.post("/subscriptions/create/", subs.body(), headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()) == (400, {"detail": detail})
    await subs.advance(api, "2031-04-01T01:00:00Z")
    now = await subs.shown(api, id)
    assert (now["status"], now["billingPeriodStartTime"]) == (status, "2031-04-01T00:00:00.000000Z")
    again = await api.post("/subscriptions/create/", subs.body(), headers={"Idempotency-Key": "one"})
    assert again.status_code == (201 if status == "active" else 400)
    assert (await subs.heard(api, *subs.OF_MONEY))[-1] == told
    await money.only_card(api, "ada")
    await subs.advance(api, MAY)
    assert await subs.paid(api) == ([10_000, 10_000] if status == "active" else [])
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_subscription_whose_answer_is_lost_is_there_and_paid_once(api: Client, made: Made) -> None:
    await money.customer(api, money.LOSES_THE_ANSWER)
    key = {"Idempotency-Key": "one"}
    answers = [await api.post("/subscriptions/create/", subs.body(), headers=key) for _ in range(2)]
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(201, "active")] * 2
    assert answers[0].json() == answers[1].json()
    assert await subs.asked(api) == [("success", 10_000)]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_waits_and_what_there_is_stays_in_force(api: Client, made: Made) -> None:
    pro = await paying(api)
    team = await subs.updated(api, pro, "team", **LATER)
    assert (team["status"], team["plan"]["identifier"]) == ("incomplete", "team")
    assert await statuses(api, pro) == ["active"]
    assert (await subs.bills(api))[-1] == ("OPEN", "50.00", "50.00")
    assert await subs.listed(api) == [pro["id"]], "one entry for each subscription: as it now is"
    assert await subs.listed(api, status="incomplete,active") == [team["id"], pro["id"]]
    # Nothing else changes meanwhile.
    assert await subs.refused_update(api, pro, "basic") == WAITS
    assert await subs.refused_update(api, team, "basic") == WAITS

    await subs.advance(api, "2031-04-16T22:59:59Z")
    assert await statuses(api, pro, team) == ["active", "incomplete"]
    await subs.advance(api, "2031-04-16T23:00:00Z")
    assert await statuses(api, pro, team) == ["active", "incomplete_expired"]
    assert (await subs.bills(api))[-1] == ("VOID", "50.00", "50.00")
    # The old id goes on to be the current one.
    assert await subs.refused_cancel(api, team) == {
        "detail": f"This update of the subscription came to nothing. Its current id is {pro['id']}."
    }
    await money.only_card(api, "ada")
    await subs.advance(api, MAY)
    assert await subs.asked(api) == [("success", 10_000), ("failure", 5_000), ("success", 10_000)]
    assert (await subs.heard(api, *subs.OF_MONEY))[5:8] == [
        "invoice.created: OPEN",
        "invoice.payment_failed: OPEN",
        "subscription.updated: incomplete_expired",
    ]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_waits_no_longer_than_the_period_that_it_was_reckoned_for(api: Client, made: Made) -> None:
    pro = await paying(api)
    await subs.advance(api, "2031-04-30T12:00:00Z")
    team = await subs.updated(api, pro, "team", **LATER)
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-04-30T23:59:59Z")
    assert await statuses(api, pro, team) == ["active", "incomplete"]
    await subs.advance(api, MAY)
    assert await statuses(api, pro, team) == ["active", "incomplete_expired"]
    assert (await subs.bills(api))[1:] == [("VOID", "1.66", "1.66"), ("PAID", "100.00", "100.00")]
    told = await subs.heard(api, "subscription.updated", "subscription.plan_changed")
    assert told == ["subscription.updated: incomplete_expired", "subscription.updated: active"]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_credit_that_a_waiting_update_would_use_is_there_again(api: Client, made: Made) -> None:
    pro = await paying(api)
    granted = {"customerId": "ada", "currencyCode": "USD", "amountUnits": 3_000}
    assert (await api.post("/credits/", granted)).status_code == 201
    team = await subs.updated(api, pro, "team", **LATER)
    assert team["preview"]["amountChargedImmediatelyUnits"] == 2_000
    assert await subs.credit(api) == 0
    await subs.advance(api, "2031-04-17T00:00:00Z")
    assert await statuses(api, pro, team) == ["active", "incomplete_expired"]
    assert await subs.credit(api) == 3_000
    await money.only_card(api, "ada")
    await subs.advance(api, MAY)
    assert await subs.paid(api) == [10_000, 7_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_that_is_paid_at_once_takes_effect_at_once(api: Client, made: Made) -> None:
    pro = await paying(api, money.VISA)
    team = await subs.updated(api, pro, "team", **LATER)
    assert await statuses(api, pro, team) == ["superseded", "active"]
    # So does one of which nothing is due.
    basic = await subs.updated(api, team, "basic", **LATER)
    assert await statuses(api, team, basic) == ["superseded", "active"]
    assert await subs.credit(api) == 9_000
    assert (await subs.heard(api, *subs.OF_MONEY))[5:] == [
        "order.created: COMPLETE", "order.updated: COMPLETE", "invoice.created: OPEN", "invoice.paid: PAID",
        "subscription.plan_changed: active",
        "subscription.plan_changed: active", "invoice.created: OPEN", "invoice.paid: PAID",
    ]  # fmt: skip
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_whose_card_is_declined_changes_nothing(api: Client, made: Made) -> None:
    pro = await paying(api, money.DECLINED_LATER)
    team = await subs.updated(api, pro, "team", **LATER)
    assert await statuses(api, pro, team) == ["active", "incomplete_expired"]
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")]
    await money.only_card(api, "ada")
    # It can be tried again at once.
    team = await subs.updated(api, pro, "team", **LATER)
    assert await statuses(api, pro, team) == ["superseded", "active"]
    await subs.advance(api, MAY)
    assert await subs.asked(api) == [
        ("success", 10_000), ("failure", 5_000), ("success", 5_000), ("success", 20_000),
    ]  # fmt: skip
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_that_is_answered_late_takes_effect_late(api: Client, made: Made) -> None:
    pro = await paying(api, money.ANSWERS_LATE)
    team = await subs.updated(api, pro, "team", **LATER)
    assert await statuses(api, pro, team) == ["active", "incomplete"]
    await subs.advance(api, "2031-04-16T01:00:00Z")
    assert await statuses(api, pro, team) == ["superseded", "active"]
    assert await subs.paid(api) == [10_000, 5_000]
    await money.only_card(api, "ada")
    await subs.advance(api, MAY)
    assert await subs.paid(api) == [10_000, 5_000, 20_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_by_default_is_in_force_and_owed(api: Client, made: Made) -> None:
    pro = await paying(api)
    team = await subs.updated(api, pro, "team")
    assert await statuses(api, pro, team) == ["superseded", "past_due"]
    assert (await subs.bills(api))[-1] == ("OPEN", "50.00", "50.00"), "its customer has to do something"
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-04-17T00:00:00Z")
    assert await statuses(api, team) == ["active"]
    assert (await subs.bills(api))[-1] == ("PAID", "50.00", "50.00")
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_renewal_that_is_not_authenticated_is_owed_and_given_up(api: Client, made: Made) -> None:
    pro = await paying(api)
    await subs.advance(api, MAY)
    assert await statuses(api, pro) == ["past_due"]
    assert (await subs.bills(api))[-1] == ("OPEN", "100.00", "100.00")
    await subs.advance(api, "2031-05-15T00:00:00Z")
    assert await statuses(api, pro) == ["canceled"]
    assert (await subs.bills(api))[-1] == ("VOID", "100.00", "100.00")
    assert await subs.asked(api) == [("success", 10_000)] + [("failure", 10_000)] * 9
    heard = await subs.heard(api, "invoice.payment_failed", "subscription.cancelled")
    assert heard == ["invoice.payment_failed: OPEN"] * 9 + ["subscription.cancelled: canceled"]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("which", ["the update", "the subscription"])
async def test_what_waits_is_cancelled(api: Client, made: Made, which: str) -> None:
    pro = await paying(api)
    team = await subs.updated(api, pro, "team", **LATER)
    if which == "the update":
        await subs.cancelled(api, team)
        assert await statuses(api, pro, team) == ["active", "incomplete_expired"]
    else:
        await subs.cancelled(api, pro)
        assert await statuses(api, pro, team) == ["canceled", "incomplete_expired"]
    assert (await subs.bills(api))[-1] == ("VOID", "50.00", "50.00")
    await money.only_card(api, "ada")
    await subs.advance(api, MAY)
    assert await subs.paid(api) == ([10_000, 10_000] if which == "the update" else [10_000])
    await money.books_balance(made)
