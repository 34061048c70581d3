"""Somebody changes their plan, or how often they pay: what that charges, what they get back, and what comes next."""

from typing import Any

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

# April has thirty days: half of it is left, a quarter, a tenth.
HALF, QUARTER, TENTH = "2031-04-16T00:00:00Z", "2031-04-23T12:00:00Z", "2031-04-28T00:00:00Z"
NO_METHOD = "A payment method is required to complete this payment."
MAY, JUNE = "2031-05-01T00:00:00Z", "2031-06-01T00:00:00Z"


@pytest.fixture
async def plans(api: Client) -> None:
    """Three plans, by month and by year, and a customer with a card."""
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    await subs.recurring(api, "basic", 20, yearly=200)
    await subs.recurring(api, "pro", 100, yearly=1000)
    await subs.recurring(api, "team", 200, yearly=2000)
    await money.customer(api)


def immediate(record: dict[str, Any]) -> list[tuple[str, int]]:
    """Return what an update charged at once, line by line."""
    return [(line["description"], line["amountUnits"]) for line in record["preview"]["immediateLineItems"]]


@pytest.mark.usefixtures("plans")
async def test_an_upgrade_in_the_middle_of_a_month(api: Client, made: Made) -> None:
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    team = await subs.updated(api, pro, "team")
    assert immediate(team) == [("Unused time on Pro", -5_000), ("Remaining time on Team", 10_000)]
    assert team["preview"]["amountChargedImmediately"] == 50
    assert team["preview"]["recurringAmountUnits"] == 20_000

    # A new record has the old one's place, its period and the day on which it began.
    assert team["id"] != pro["id"]
    was = await subs.shown(api, pro)
    assert (was["status"], was["plan"]["identifier"], was["amount"]) == ("superseded", "pro", "100.00")
    assert (team["status"], team["plan"]["identifier"], team["amount"]) == ("active", "team", "200.00")
    same = ("externalSubscriptionId", "startDate", "billingPeriodStartTime", "billingPeriodEndTime")
    assert [team[name] for name in same] == [was[name] for name in same]
    assert await subs.listed(api) == [team["id"]]

    # The change is told first, and then that it was paid.
    told = await subs.told(api, *subs.OF_MONEY)
    assert [kind for kind, _ in told[5:]] == [
        "subscription.plan_changed", "order.created", "order.updated", "invoice.created", "invoice.paid",
    ]  # fmt: skip
    change = told[5][1]
    assert (change["object"]["id"], change["object"]["plan"]["identifier"]) == (team["id"], "team")
    previous = change["previous_attributes"]
    assert (previous["id"], previous["plan"]["identifier"], previous["amount_units"]) == (pro["id"], "pro", 10_000)

    await subs.foretold(api, team)
    await subs.advance(api, JUNE)
    assert await subs.paid(api) == [10_000, 5_000, 20_000, 20_000]
    await money.books_balance(made)


async def test_an_upgrade_at_an_odd_second_for_a_german(api: Client, made: Made) -> None:
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    await subs.recurring(api, "pro", 99.99)
    await subs.recurring(api, "team", 149.95)
    await money.customer(api, billingAddress={"country": "DE"})
    pro = await subs.subscribed(api)
    # 1,961,246 of 2,592,000 seconds are left: 75.66 and 113.46 before tax, each rounded once.
    await subs.advance(api, "2031-04-08T07:12:34Z")
    team = await subs.updated(api, pro, "team")
    assert immediate(team) == [
        ("Unused time on Pro", -(7_566 + 1_438)),
        ("Remaining time on Team", 11_346 + 2_156),
    ]
    assert await subs.paid(api) == [11_899, 13_502 - 9_004]
    order = (await subs.orders(api))[-1]
    assert (order["amountTax"], order["amountTotal"], order["isRenewal"]) == ("7.18", "44.98", False)
    await subs.foretold(api, team)
    assert (await subs.paid(api))[-1] == 14_995 + 2_849
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_a_downgrade_gives_back_pays_the_next_invoices(api: Client, made: Made) -> None:
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    basic = await subs.updated(api, team, "basic")
    assert immediate(basic) == [("Unused time on Team", -10_000), ("Remaining time on Basic", 1_000)]
    assert basic["preview"]["creditAddedUnits"] == 9_000
    assert await subs.credit(api) == 9_000
    assert (await subs.bills(api))[-1] == ("PAID", "-90.00", "0.00")
    assert (await subs.invoices(api))[-1]["orderId"] is None, "nothing is sold by it"

    # Four months are paid by it, half of the fifth, and nothing of the sixth.
    await subs.foretold(api, basic)
    assert await subs.credit(api) == 7_000
    await subs.advance(api, "2031-10-01T00:00:00Z")
    assert (await subs.bills(api))[2:] == [("PAID", "20.00", "0.00")] * 4 + [
        ("PAID", "20.00", "10.00"),
        ("PAID", "20.00", "20.00"),
    ]
    assert await subs.credit(api) == 0
    assert await subs.asked(api) == [("success", 20_000), ("success", 1_000), ("success", 2_000)]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_from_months_to_a_year_and_back(api: Client, made: Made) -> None:
    monthly = await subs.subscribed(api)
    await subs.advance(api, HALF)
    # A year begins now, and what was left of the month goes towards it.
    yearly = await subs.updated(api, monthly, period="YEARLY")
    assert immediate(yearly) == [("Unused time on Pro", -5_000), ("Pro", 100_000)]
    assert (yearly["billingPeriodStartTime"], yearly["billingPeriodEndTime"], yearly["recurrence"]) == (
        "2031-04-16T00:00:00.000000Z",
        "2032-04-16T00:00:00.000000Z",
        "year",
    )
    assert await subs.paid(api) == [10_000, 95_000]

    # 183 of 366 days later half the year is left: four months are paid by it after the one that begins now.
    await subs.advance(api, "2031-10-16T00:00:00Z")
    assert len(await subs.bills(api)) == 2, "no month is charged within the year"
    monthly = await subs.updated(api, yearly)
    assert immediate(monthly) == [("Unused time on Pro", -50_000), ("Pro", 10_000)]
    assert await subs.credit(api) == 40_000
    await subs.foretold(api, monthly)
    await subs.advance(api, "2032-03-16T00:00:00Z")
    assert (await subs.bills(api))[2:] == [
        ("PAID", "-400.00", "0.00"),
        *[("PAID", "100.00", "0.00")] * 4,
        ("PAID", "100.00", "100.00"),
    ]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_differences_wait_for_the_next_invoice(api: Client, made: Made) -> None:
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    later = {"prorationBehavior": "PRORATE_NEXT_INVOICE"}
    team = await subs.updated(api, pro, "team", **later)
    assert (team["status"], team["amount"], immediate(team)) == ("active", "200.00", [])
    assert (await subs.shown(api, pro))["status"] == "superseded"
    # Back again, with a tenth of the month left: both differences wait.
    await subs.advance(api, TENTH)
    pro = await subs.updated(api, team, **later)
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")]
    invoice = await subs.foretold(api, pro)
    assert subs.lines_of(invoice) == [
        ("Pro", 10_000),
        ("Unused time on Pro", -5_000),
        ("Remaining time on Team", 10_000),
        ("Unused time on Team", -2_000),
        ("Remaining time on Pro", 1_000),
    ]
    assert invoice["amountDue"] == "140.00"
    # They have waited for that one alone.
    await subs.advance(api, JUNE)
    assert await subs.paid(api) == [10_000, 14_000, 10_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_waits_comes_with_whatever_is_invoiced_first(api: Client, made: Made) -> None:
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    team = await subs.updated(api, pro, "team", prorationBehavior="PRORATE_NEXT_INVOICE")
    # The same again changes nothing, and so charges nothing.
    again = await subs.updated(api, team, "team")
    assert (again["id"], again["preview"]["amountChargedImmediatelyUnits"]) == (team["id"], 0)
    await subs.advance(api, TENTH)
    basic = await subs.updated(api, team, "basic")
    assert immediate(basic) == [
        ("Unused time on Team", -2_000), ("Remaining time on Basic", 200),
        ("Unused time on Pro", -5_000), ("Remaining time on Team", 10_000),
    ]  # fmt: skip
    await subs.foretold(api, basic)
    assert await subs.paid(api) == [10_000, 3_200, 2_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_downgrade_that_waits_makes_the_next_invoice_less_than_nothing(api: Client, made: Made) -> None:
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    basic = await subs.updated(api, team, "basic", prorationBehavior="PRORATE_NEXT_INVOICE")
    assert await subs.credit(api) == 0
    # 20.00 less the 90.00 that waited: May is paid, and so are June, July, August and half of September.
    await subs.foretold(api, basic)
    assert (await subs.bills(api))[-1] == ("PAID", "-70.00", "0.00")
    assert await subs.credit(api) == 7_000
    now = await subs.shown(api, basic)
    assert (now["status"], now["billingPeriodStartTime"]) == ("active", "2031-05-01T00:00:00.000000Z")
    await subs.advance(api, "2031-09-01T00:00:00Z")
    assert (await subs.bills(api))[2:] == [("PAID", "20.00", "0.00")] * 3 + [("PAID", "20.00", "10.00")]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_another_interval_is_invoiced_now_whatever_happens_to_the_difference(api: Client, made: Made) -> None:
    await money.customer(api, customer_id="bob")
    ada, bob = await subs.subscribed(api), await subs.subscribed(api, customer_id="bob")
    await subs.advance(api, HALF)
    later = await subs.updated(api, ada, period="YEARLY", prorationBehavior="PRORATE_NEXT_INVOICE")
    never = await subs.updated(api, bob, period="YEARLY", prorationBehavior="NO_PRORATION")
    assert immediate(later) == immediate(never) == [("Pro", 100_000)]
    following = [each["preview"]["nextInvoice"]["amountDueUnits"] for each in (later, never)]
    assert following == [95_000, 100_000]
    await subs.advance(api, "2032-04-16T00:00:00Z")
    assert sorted(await subs.paid(api)) == [10_000, 10_000, 95_000, 100_000, 100_000, 100_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize(("first", "then"), [("pro", "team"), ("team", "pro")])
async def test_a_change_without_proration_is_never_charged_nor_given_back(
    api: Client, made: Made, first: str, then: str
) -> None:
    costs = {"pro": 10_000, "team": 20_000}
    subscription = await subs.subscribed(api, first)
    await subs.advance(api, HALF)
    other = await subs.updated(api, subscription, then, prorationBehavior="NO_PRORATION")
    assert (immediate(other), other["plan"]["identifier"]) == ([], then)
    # Changed back at the usual terms nobody gains: what is left is what was charged.
    await subs.advance(api, QUARTER)
    back = await subs.updated(api, other, first)
    assert sum(units for _, units in immediate(back)) == 0
    other = await subs.updated(api, back, then, prorationBehavior="NO_PRORATION")
    assert await subs.credit(api) == 0
    await subs.foretold(api, other)
    assert await subs.paid(api) == [costs[first], 0, costs[then]]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_subscription_becomes_something_that_is_bought_once(api: Client, made: Made) -> None:
    await money.once(api, amount=500)
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    bought = await subs.updated(api, pro, "lifetime", "ONE_TIME")
    assert immediate(bought) == [("Unused time on Pro", -5_000), ("Lifetime", 50_000)]
    assert (bought["status"], bought["billingType"], bought["billingPeriodEndTime"]) == ("active", "ONE_TIME", None)
    assert bought["preview"]["nextInvoice"] is None
    await subs.advance(api, "2032-04-01T00:00:00Z")
    assert await subs.paid(api) == [10_000, 45_000]
    assert (await subs.shown(api, bought))["status"] == "active"
    # It cannot be changed any more.
    assert await subs.refused_update(api, bought) == {
        "detail": "What was bought once, or is free, cannot be updated: use checkout."
    }
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_is_bought_once_does_not_end_with_what_it_was_before(api: Client, made: Made) -> None:
    await money.once(api, amount=500)
    pro = await subs.subscribed(api)
    await subs.cancelled(api, pro, "CURRENT_PERIOD_ENDS")
    assert await subs.refused_update(api, pro, "lifetime", "ONE_TIME", trialEnd="2031-06-01T00:00:00Z") == {
        "trialEnd": ["What is bought once has no trial."]
    }
    bought = await subs.updated(api, pro, "lifetime", "ONE_TIME")
    assert (bought["endDate"], bought["canceledAt"]) == (None, None)
    await subs.advance(api, "2032-04-01T00:00:00Z")
    assert (await subs.shown(api, bought))["status"] == "active"
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("proration", ["IMMEDIATE_CHARGE", "PRORATE_NEXT_INVOICE"])
async def test_of_what_ends_with_its_period_nothing_more_comes_than_what_waits(
    api: Client, made: Made, proration: str
) -> None:
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    await subs.cancelled(api, pro, "CURRENT_PERIOD_ENDS")
    team = await subs.updated(api, pro, "team", prorationBehavior=proration)
    assert team["preview"]["recurringAmount"] == 0
    if proration == "PRORATE_NEXT_INVOICE":
        await subs.foretold(api, team)
    else:
        assert team["preview"]["nextInvoice"] is None
    await subs.advance(api, "2032-04-01T00:00:00Z")
    assert await subs.paid(api) == [10_000, 5_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_cannot_be_changed_to_is_refused_and_changes_nothing(api: Client, made: Made) -> None:
    await subs.recurring(api, "euro", 90, currency="EUR")
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    for plan, period, why in (
        ("nothing", "MONTHLY", {"planIdentifier": ["There is no such plan for sale."]}),
        ("team", "WEEKLY", {"chargePeriod": ["The plan has no price for this charge period."]}),
        ("euro", "MONTHLY", {"currencyCode": ["The plan has no price in USD."]}),
    ):
        assert await subs.refused_update(api, pro, plan, period) == why
    # Who has nothing to pay with cannot go up, and can go down.
    [method] = (await api.get("/payment-methods/")).json()["results"]
    assert (await api.delete(f"/payment-methods/{method['id']}/")).status_code == 204
    answer = await api.post(
        f"/subscriptions/{pro['id']}/update/", {"planIdentifier": "team", "chargePeriod": "MONTHLY"}
    )
    assert (answer.status_code, answer.json()["detail"]) == (400, NO_METHOD)
    assert (await subs.shown(api, pro))["status"] == "active"
    assert await subs.paid(api) == [10_000]
    basic = await subs.updated(api, pro, "basic")
    assert await subs.credit(api) == 4_000
    # The old id is no longer of use, and says which one is.
    why = {"detail": f"The subscription was updated since. Its current id is {basic['id']}."}
    assert await subs.refused_update(api, pro, "team") == why
    assert await subs.refused_cancel(api, pro) == why
    await money.books_balance(made)
