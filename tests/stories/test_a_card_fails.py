"""A card fails when a subscription is renewed: it is tried again for two weeks, and either recovers or is given up."""

from typing import Any

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, MAY, JUNE = "2031-04-01T08:00:00Z", "2031-05-01T08:00:00Z", "2031-06-01T08:00:00Z"
# Of May: 1, 2, 3, 5, 7, 9, 11 and 14 days after the first failure.
RETRIED = ["02", "03", "04", "06", "08", "10", "12", "15"]
UNPAID = {"detail": "A payment of the subscription is owed: it can be updated once that is paid."}


@pytest.fixture
async def subscription(api: Client) -> dict[str, Any]:
    """A subscription at 100.00 a month, from April on, whose customer's card fails from now on."""
    await subs.freeze(api, APRIL)
    await subs.recurring(api)
    await money.customer(api)
    created = await subs.subscribed(api)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    return created


async def tried(api: Client) -> list[tuple[str, str]]:
    """Return when the card was asked after April, and how that ended."""
    found = list(reversed((await api.get("/transaction/?page_size=100")).json()["results"]))
    assert {each["amountTotal"] for each in found} == {100}
    assert {each["createdOn"][10:] for each in found[1:]} <= {"T08:00:00.000000Z"}
    return [(each["createdOn"][5:10], each["status"]) for each in found[1:]]


async def test_the_fifth_retry_recovers_with_another_card(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await subs.advance(api, MAY)
    now = await subs.shown(api, subscription)
    # The new period has begun, and its customer keeps what they have.
    assert (now["status"], now["billingPeriodStartTime"]) == ("past_due", "2031-05-01T08:00:00.000000Z")
    assert await subs.listed(api) == [subscription["id"]]
    [_, owed] = await subs.invoices(api)
    assert (owed["status"], owed["paidAt"], owed["amountDue"]) == ("PAYMENT_FAILED", None, "100.00")
    assert await subs.refused_update(api, subscription) == UNPAID

    await subs.advance(api, "2031-05-07T00:00:00Z")
    failed = [(f"05-{day}", "failure") for day in ["01", *RETRIED[:4]]]
    assert await tried(api) == failed
    await money.only_card(api, "ada")
    assert await tried(api) == failed, "a new card is asked when the next retry is due"
    await subs.advance(api, "2031-05-08T08:00:00Z")
    assert await tried(api) == [*failed, ("05-08", "success")]

    # The same invoice is paid, and the renewal stays on its day.
    now = await subs.shown(api, subscription)
    assert (now["status"], now["billingPeriodEndTime"]) == ("active", "2031-06-01T08:00:00.000000Z")
    [_, paid] = await subs.invoices(api)
    assert (paid["id"], paid["number"], paid["status"]) == (owed["id"], owed["number"], "PAID")
    assert (paid["issuedOn"], paid["paidAt"]) == (owed["issuedOn"], "2031-05-08T08:00:00.000000Z")
    assert (await subs.orders(api))[-1]["paymentMethod"]["last4"] == "4242"
    await subs.advance(api, JUNE)
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")] * 3

    renewed = ["order.created: COMPLETE", "order.updated: COMPLETE"]
    assert (await subs.heard(api, *subs.OF_MONEY))[5:] == [
        "subscription.updated: active",
        "invoice.created: OPEN",
        "invoice.payment_failed: PAYMENT_FAILED",
        "subscription.updated: past_due",
        *["invoice.payment_failed: PAYMENT_FAILED"] * 4,
        *renewed,
        "invoice.paid: PAID",
        "subscription.updated: active",
        "subscription.updated: active",
        *renewed,
        "invoice.created: OPEN",
        "invoice.paid: PAID",
    ]
    changes = [data["previous_attributes"] for _, data in await subs.told(api, "subscription.updated")]
    assert [change.get("status") for change in changes] == [None, "active", "past_due", None]
    await money.books_balance(made)


async def test_what_eight_retries_do_not_bring_in_is_given_up(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await subs.advance(api, "2031-05-15T07:59:59Z")
    assert (await subs.shown(api, subscription))["status"] == "past_due"
    await subs.advance(api, "2031-05-15T08:00:00Z")
    now = await subs.shown(api, subscription)
    assert (now["status"], now["endDate"], now["cancellationReason"]) == (
        "canceled",
        "2031-05-15",
        "CANCELLED_BY_PROVIDER",
    )
    # Nothing is asked for any more, whatever card there is.
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-09-01T00:00:00Z")
    assert await tried(api) == [(f"05-{day}", "failure") for day in ["01", *RETRIED]]
    assert await subs.bills(api) == [("PAID", "100.00", "100.00"), ("VOID", "100.00", "100.00")]
    assert [order["status"] for order in await subs.orders(api)] == ["COMPLETE", "FAILED"]
    heard = await subs.heard(api, "invoice.payment_failed", "subscription.updated", "subscription.cancelled")
    assert heard == [
        "subscription.updated: active",
        "invoice.payment_failed: PAYMENT_FAILED",
        "subscription.updated: past_due",
        *["invoice.payment_failed: PAYMENT_FAILED"] * 8,
        "subscription.cancelled: canceled",
    ]
    assert await subs.listed(api) == []
    assert await subs.refused_cancel(api, subscription) == {"detail": "The subscription has ended."}
    await money.books_balance(made)


async def test_a_customer_without_any_card_is_waited_for(api: Client, made: Made, subscription: dict[str, Any]) -> None:
    for method in reversed((await api.get("/payment-methods/")).json()["results"]):
        assert (await api.delete(f"/payment-methods/{method['id']}/")).status_code == 204
    await subs.advance(api, "2031-05-05T00:00:00Z")
    assert (await subs.shown(api, subscription))["status"] == "past_due"
    assert (await subs.bills(api))[-1] == ("PAYMENT_FAILED", "100.00", "100.00")
    assert await tried(api) == [], "there is nothing to ask"
    await money.only_card(api, "ada")
    await subs.advance(api, JUNE)
    assert await tried(api) == [("05-06", "success"), ("06-01", "success")]
    assert (await subs.shown(api, subscription))["status"] == "active"

    # And not for ever.
    [method] = (await api.get("/payment-methods/")).json()["results"]
    await api.delete(f"/payment-methods/{method['id']}/")
    await subs.advance(api, "2031-07-15T08:00:00Z")
    assert (await subs.shown(api, subscription))["status"] == "canceled"
    assert (await subs.bills(api))[-1] == ("VOID", "100.00", "100.00")
    assert len(await tried(api)) == 2
    await money.books_balance(made)


async def test_weeks_that_are_owed_together_are_paid_together(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, periods=("WEEKLY",))
    await money.customer(api)
    weekly = await subs.subscribed(api, period="WEEKLY")
    await money.only_card(api, "ada", money.DECLINED_LATER)
    # 8 and 15 April come while the card fails: what the first week owes is tried again, and each week once.
    await subs.advance(api, "2031-04-16T08:00:00Z")
    assert (await subs.shown(api, weekly))["billingPeriodStartTime"] == "2031-04-15T08:00:00.000000Z"
    assert (await subs.bills(api))[1:] == [("PAYMENT_FAILED", "100.00", "100.00")] * 2
    await money.only_card(api, "ada")
    # Nine days after the first failure it recovers, and the other week with it.
    await subs.advance(api, "2031-04-17T08:00:00Z")
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")] * 3
    assert {each["paidAt"] for each in (await subs.invoices(api))[1:]} == {"2031-04-17T08:00:00.000000Z"}
    assert (await subs.shown(api, weekly))["status"] == "active"
    # What is owed longest is paid first.
    paid = [data["object"]["id"] for _, data in await subs.told(api, "invoice.paid")]
    assert paid == [each["id"] for each in await subs.invoices(api)]
    assert await subs.heard(api, "invoice.paid", "subscription.updated") == [
        "invoice.paid: PAID",
        "subscription.updated: active", "subscription.updated: past_due", "subscription.updated: past_due",
        "invoice.paid: PAID", "invoice.paid: PAID", "subscription.updated: active",
    ]  # fmt: skip
    await money.books_balance(made)


async def test_weeks_that_are_owed_together_are_given_up_together(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, periods=("WEEKLY",))
    await money.customer(api)
    weekly = await subs.subscribed(api, period="WEEKLY")
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, "2031-06-01T08:00:00Z")
    now = await subs.shown(api, weekly)
    assert (now["status"], now["endDate"]) == ("canceled", "2031-04-22")
    assert (await subs.bills(api))[1:] == [("VOID", "100.00", "100.00")] * 2
    await money.books_balance(made)


async def test_a_renewal_that_is_paid_lets_what_is_owed_be_paid_at_once(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, periods=("DAILY",))
    await money.customer(api)
    daily = await subs.subscribed(api, period="DAILY")
    await money.only_card(api, "ada", money.DECLINED_LATER)
    # The days of 2, 3, 4 and 5 April are owed; the next retry would be on the 7th.
    await subs.advance(api, "2031-04-05T12:00:00Z")
    assert [status for status, _, _ in await subs.bills(api)] == ["PAID"] + ["PAYMENT_FAILED"] * 4
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-04-06T08:00:00Z")
    assert [status for status, _, _ in await subs.bills(api)] == ["PAID"] * 6
    assert {each["paidAt"][:10] for each in (await subs.invoices(api))[1:]} == {"2031-04-06"}
    assert (await subs.shown(api, daily))["status"] == "active"
    await money.books_balance(made)


async def test_of_many_days_that_are_owed_each_has_retries_of_its_own(api: Client, made: Made) -> None:
    """Else a card that works pays for some of them, and is then said to have failed too often."""
    await subs.freeze(api, APRIL)
    await subs.recurring(api, periods=("DAILY",))
    await money.customer(api)
    daily = await subs.subscribed(api, period="DAILY")
    await money.only_card(api, "ada", money.DECLINED_LATER)
    # Four retries have failed; the days from 2 to 8 April are owed.
    await subs.advance(api, "2031-04-08T12:00:00Z")
    assert [status for status, _, _ in await subs.bills(api)] == ["PAID"] + ["PAYMENT_FAILED"] * 7
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-04-09T08:00:00Z")
    assert [status for status, _, _ in await subs.bills(api)] == ["PAID"] * 9
    assert (await subs.shown(api, daily))["status"] == "active"
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("number", "status", "bill"),
    [(money.ANSWERS_LATE, "active", "PAID"), (money.DECLINES_LATE, "canceled", "VOID")],
)
async def test_a_last_retry_that_is_answered_late_is_waited_for(
    api: Client, made: Made, subscription: dict[str, Any], number: str, status: str, bill: str
) -> None:
    """Else somebody has paid for what was cancelled an hour before."""
    await subs.advance(api, "2031-05-14T08:00:00Z")
    await money.only_card(api, "ada", number)
    await subs.advance(api, "2031-05-15T08:30:00Z")
    assert (await tried(api))[-1] == ("05-15", "pending")
    assert (await subs.shown(api, subscription))["status"] == "past_due"
    await subs.advance(api, "2031-05-17T08:00:00Z")
    assert (await subs.shown(api, subscription))["status"] == status
    assert (await subs.bills(api))[1:] == [(bill, "100.00", "100.00")]
    await money.books_balance(made)


async def test_an_upgrade_that_is_not_paid_is_in_force_and_owed(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await subs.recurring(api, "team", 200)
    await subs.advance(api, "2031-04-16T08:00:00Z")
    team = await subs.updated(api, subscription, "team")
    assert (team["status"], team["amount"]) == ("past_due", "200.00")
    assert (await subs.shown(api, subscription))["status"] == "superseded"
    assert (await subs.bills(api))[-1] == ("PAYMENT_FAILED", "50.00", "50.00")
    assert (await subs.heard(api, *subs.OF_MONEY))[5:] == [
        "subscription.plan_changed: active", "invoice.created: OPEN",
        "invoice.payment_failed: PAYMENT_FAILED", "subscription.updated: past_due",
    ]  # fmt: skip
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-04-17T08:00:00Z")
    assert (await subs.shown(api, team))["status"] == "active"
    await subs.advance(api, MAY)
    assert await subs.paid(api) == [10_000, 5_000, 20_000]
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("number", "status", "bill"),
    [(money.ANSWERS_LATE, "active", "PAID"), (money.DECLINES_LATE, "past_due", "PAYMENT_FAILED")],
)
async def test_a_card_that_answers_an_hour_late(
    api: Client, made: Made, subscription: dict[str, Any], number: str, status: str, bill: str
) -> None:
    await money.only_card(api, "ada", number)
    await subs.advance(api, MAY)
    # Nobody knows yet: the customer has the new period, and nothing is issued.
    now = await subs.shown(api, subscription)
    assert (now["status"], now["billingPeriodStartTime"]) == ("active", "2031-05-01T08:00:00.000000Z")
    assert len(await subs.bills(api)) == 1
    assert await tried(api) == [("05-01", "pending")]
    await subs.advance(api, "2031-05-01T09:00:00Z")
    assert (await subs.shown(api, subscription))["status"] == status
    assert (await subs.bills(api))[1:] == [(bill, "100.00", "100.00")]
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-05-02T09:00:00Z")
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")] * 2
    assert (await subs.shown(api, subscription))["status"] == "active"
    await money.books_balance(made)


async def test_an_answer_that_is_lost_is_asked_for_and_nothing_charged_twice(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await money.only_card(api, "ada", money.LOSES_THE_ANSWER)
    await subs.advance(api, JUNE)
    assert await tried(api) == [("05-01", "success"), ("06-01", "success")]
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")] * 3
    assert (await subs.shown(api, subscription))["status"] == "active"
    await money.books_balance(made)
