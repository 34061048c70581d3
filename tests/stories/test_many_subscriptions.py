"""Somebody has several subscriptions, or years go by at once: each is renewed for itself, and all is told in order."""

from datetime import datetime
from typing import Any

import pytest

from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

RENEWED = [
    "subscription.updated: active", "order.created: COMPLETE", "order.updated: COMPLETE", "invoice.created: OPEN",
    "invoice.paid: PAID",
]  # fmt: skip


async def test_two_years_are_one_call_and_every_webhook_of_them_is_in_order(api: Client, made: Made) -> None:
    await subs.freeze(api, "2031-01-31T12:00:00Z")
    await subs.recurring(api)
    await money.customer(api)
    created = await subs.subscribed(api)
    clock = await subs.advance(api, "2033-01-31T12:00:00Z")
    assert (clock["carriedOut"], clock["failure"]) == (24, None)

    found = await subs.invoices(api)
    assert [invoice["number"] for invoice in found] == list(range(1, 26))
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")] * 25
    now = await subs.shown(api, created)
    assert now["billingPeriodEndTime"] == "2033-02-28T12:00:00.000000Z"
    # Each renewal is told, then its order and its invoice, before the next one.
    assert await subs.heard(api, *subs.OF_MONEY) == [
        *RENEWED[1:], "subscription.created: active", *RENEWED * 24,
    ]  # fmt: skip
    told = await subs.told(api, "subscription.updated", "invoice.paid")
    periods = [data["object"]["billing_period_start_time"] for kind, data in told if kind == "subscription.updated"]
    assert periods == sorted(periods)
    assert [at.removesuffix("Z") for at in periods] == [
        invoice["issuedOn"].removesuffix(".000000Z") for invoice in found[1:]
    ]
    paid = [data["object"]["id"] for kind, data in told if kind == "invoice.paid"]
    assert paid == [invoice["id"] for invoice in found]
    # What changed with a renewal is the period, and nothing else.
    changes = [set(data["previous_attributes"]) for kind, data in told if kind == "subscription.updated"]
    assert changes == [{"billing_period_start_time", "billing_period_end_time"}] * 24
    await money.books_balance(made)


async def test_several_subscriptions_of_one_customer_are_renewed_each_for_itself(api: Client, made: Made) -> None:
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    for plan, amount, period in (("pro", 100, "MONTHLY"), ("team", 200, "MONTHLY"), ("paper", 7, "WEEKLY")):
        await subs.recurring(api, plan, amount, periods=(period,))
    await money.customer(api)
    pro = await subs.subscribed(api)
    same = await subs.subscribed(api)
    await subs.advance(api, "2031-04-16T00:00:00Z")
    paper = await subs.subscribed(api, "paper", "WEEKLY")
    assert len({pro["id"], same["id"], paper["id"]}) == 3
    assert await subs.listed(api, customer_id="ada") == [paper["id"], same["id"], pro["id"]]

    # What one gives back as credit pays for whichever comes first.
    team = await subs.updated(api, same, "team")
    await subs.updated(api, team, "pro")
    assert (await subs.shown(api, pro))["status"] == "active"
    assert await subs.credit(api) == 5_000
    await subs.advance(api, "2031-04-30T00:00:00Z")
    assert await subs.credit(api) == 3_600
    await subs.cancelled(api, paper)
    await subs.advance(api, "2031-05-01T00:00:00Z")
    assert await subs.credit(api) == 0
    await subs.advance(api, "2031-06-01T00:00:00Z")
    invoices = await subs.invoices(api)
    due = [each["amountDue"] for each in invoices[5:]]
    # Two of one instant come in any order.
    assert (due[:2], sorted(due[2:4]), due[4:]) == (["0.00", "0.00"], ["100.00", "64.00"], ["100.00", "100.00"])
    assert len(await subs.listed(api)) == 2
    await money.books_balance(made)


async def test_a_card_that_fails_for_one_fails_for_all_of_a_customers(api: Client, made: Made) -> None:
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    await subs.recurring(api)
    await subs.recurring(api, "team", 200)
    await money.customer(api)
    await money.customer(api, customer_id="bob")
    pro, team, bob = (
        await subs.subscribed(api),
        await subs.subscribed(api, "team"),
        await subs.subscribed(api, customer_id="bob"),
    )
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, "2031-05-01T00:00:00Z")
    statuses = [(await subs.shown(api, each))["status"] for each in (pro, team, bob)]
    assert statuses == ["past_due", "past_due", "active"]
    await subs.cancelled(api, team)
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-05-02T00:00:00Z")
    statuses = [(await subs.shown(api, each))["status"] for each in (pro, team, bob)]
    assert statuses == ["active", "canceled", "active"]
    assert sorted(await subs.bills(api)) == [
        *[("PAID", "100.00", "100.00")] * 4, ("PAID", "200.00", "200.00"), ("VOID", "200.00", "200.00"),
    ]  # fmt: skip
    await money.books_balance(made)


async def test_a_free_plan_is_had_for_ever_without_a_card(api: Client, made: Made) -> None:
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    await catalog.plan(api, "free")
    await catalog.set_prices(api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(api, "free")
    await subs.recurring(api)
    await money.customer(api, None)
    answer = await api.post("/subscriptions/create/", subs.body("free"))
    why = {"chargePeriod": ["The plan is free: its charge period is ONE_TIME."]}
    assert (answer.status_code, answer.json()) == (400, why)
    free = await subs.subscribed(api, "free", "ONE_TIME")
    assert (free["status"], free["amount"], free["billingType"], free["recurrence"]) == (
        "active",
        "0.00",
        "ONE_TIME",
        "",
    )
    assert (free["billingPeriodStartTime"], free["endDate"]) == (None, None)
    await subs.advance(api, "2041-04-01T00:00:00Z")
    assert (await subs.shown(api, free))["status"] == "active"
    assert await subs.asked(api) == []
    assert await subs.bills(api) == [("PAID", "0.00", "0.00")]
    assert (await subs.heard(api, *subs.OF_MONEY))[-1] == "subscription.created: active"
    # Paid plans are subscribed to beside it, and it does not keep its customer.
    assert await subs.refused_update(api, free) == {
        "detail": "What was bought once, or is free, cannot be updated: use checkout."
    }
    assert (await subs.cancelled(api, free))["status"] == "canceled"
    assert (await api.delete("/customers/ada/")).status_code == 204
    await money.books_balance(made)


@pytest.fixture
async def records(api: Client) -> dict[str, dict[str, Any]]:
    """A record of each status, made in April: bob's was renewed in May, when ada's had ended or were owed."""
    await subs.freeze(api, "2031-04-01T10:00:00Z")
    await subs.recurring(api, "pro", 100)
    await subs.recurring(api, "team", 200)
    await subs.recurring(api, "tried", 10, freeTrial=True, trialPeriod=60)
    await money.customer(api)
    await money.customer(api, customer_id="bob")
    found = {"replaced": await subs.subscribed(api), "renewed": await subs.subscribed(api, customer_id="bob")}
    await subs.advance(api, "2031-04-10T10:00:00Z")
    found["owed"] = await subs.updated(api, found["replaced"], "team")
    found["ended"] = await subs.cancelled(api, await subs.subscribed(api))
    found["tried"] = await subs.subscribed(api, "tried")
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    found["expired"] = await subs.subscribed(api)
    await subs.advance(api, "2031-05-02T10:00:00Z")
    found["waiting"] = await subs.subscribed(api)
    return found


async def test_lists_show_what_is_asked_for(api: Client, made: Made, records: dict[str, dict[str, Any]]) -> None:
    names = {record["id"]: name for name, record in records.items()}

    async def listed(**query: str) -> list[str]:
        return [names[id] for id in await subs.listed(api, **query)]

    # One entry for each subscription that has not ended; with statuses, every record that has one of them.
    assert await listed() == ["waiting", "tried", "owed", "renewed"]
    assert await listed(customer_id="ada") == ["waiting", "tried", "owed"]
    assert await listed(customer_id="nobody") == []
    for statuses, expected in (
        ("active", ["renewed"]), ("trialing", ["tried"]), ("past_due", ["owed"]), ("canceled", ["ended"]),
        ("superseded", ["replaced"]), ("incomplete", ["waiting"]), ("incomplete_expired", ["expired"]),
        ("canceled,superseded", ["ended", "replaced"]),
        ("active, trialing , past_due,canceled,superseded,incomplete,incomplete_expired",
         ["waiting", "expired", "tried", "ended", "owed", "renewed", "replaced"]),
    ):  # fmt: skip
        assert await listed(status=statuses) == expected, statuses
    assert await listed(status="superseded,active", customer_id="bob") == ["renewed"]
    answer = await api.get("/subscriptions/?status=active,sleeping")
    assert (answer.status_code, answer.json()) == (400, {"status": ['"sleeping" is not a valid choice.']})

    # Days count whole, instants to the microsecond; a change of plan does not begin anything.
    assert await listed(start_date_after="2031-04-10") == ["waiting", "tried"]
    assert await listed(start_date_before="2031-04-10") == ["tried", "owed", "renewed"]
    assert await listed(start_date_before="2031-04-10T10:00:00Z") == ["owed", "renewed"]
    assert await listed(start_date_after="2031-04-01T10:00:00.000001Z") == ["waiting", "tried"]
    assert await listed(start_date_after="2031-04-02", start_date_before="2031-05-01") == ["tried"]
    assert await listed(modified_on_before="2031-04-30") == ["tried"]
    assert await listed(modified_on_after="2031-05-02T00:00:00+00:00") == ["waiting", "owed"]
    assert await listed(modified_on_after="2031-05-01", status="active") == ["renewed"]
    for name in ("start_date_after", "modified_on_before"):
        answer = await api.get(f"/subscriptions/?{name}=yesterday")
        assert (answer.status_code, answer.json()) == (400, {name: ["Enter a valid date."]})

    # Pages are cut from the same list, and counted.
    page = (await api.get("/subscriptions/?page=2&page_size=3")).json()
    assert (page["count"], [names[each["id"]] for each in page["results"]]) == (4, ["renewed"])
    assert (await api.get("/subscriptions/?page=3&page_size=3")).status_code == 404
    assert datetime.fromisoformat(page["results"][0]["billingPeriodEndTime"]).month == 6
    await money.books_balance(made)
