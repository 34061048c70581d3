"""Somebody leaves: at once, with their month, or on a day; what they said, what is still charged, and what is not."""

from typing import Any

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, HALF, MAY, JUNE = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01"))
ENDED = {"detail": "The subscription has ended."}
WHY = ("canceledAt", "cancellationReason", "cancellationFeedback", "cancellationComment")


@pytest.fixture
async def subscription(api: Client) -> dict[str, Any]:
    """A subscription at 100.00 a month, in the middle of April; there are plans for 20.00 and 200.00, too."""
    await subs.freeze(api, APRIL)
    await subs.recurring(api, "basic", 20)
    await subs.recurring(api, yearly=1000)
    await subs.recurring(api, "team", 200)
    await money.customer(api)
    created = await subs.subscribed(api)
    await subs.advance(api, HALF)
    return created


async def test_at_once(api: Client, made: Made, subscription: dict[str, Any]) -> None:
    assert (await api.delete("/customers/ada/")).status_code == 400, "not while they have a subscription"
    comment = "Lovely, but we ran out of money."
    left = await subs.cancelled(api, subscription, cancellationFeedback="TOO_EXPENSIVE", cancellationComment=comment)
    assert (left["status"], left["endDate"]) == ("canceled", "2031-04-16")
    assert [left[name] for name in WHY] == [
        "2031-04-16T00:00:00.000000Z", "CANCELLED_BY_MERCHANT", "TOO_EXPENSIVE", comment,
    ]  # fmt: skip
    [(kind, data)] = await subs.told(api, "subscription.updated", "subscription.cancelled")
    assert (kind, data["object"]["end_date"]) == ("subscription.cancelled", "2031-04-16")
    assert data["previous_attributes"] == {"status": "active", "end_date": None}

    # Nothing is given back, nothing is charged, and it has ended for good.
    await subs.advance(api, JUNE)
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")]
    assert await subs.credit(api) == 0
    assert await subs.refused_cancel(api, subscription) == ENDED
    assert await subs.refused_update(api, subscription, "team") == ENDED
    assert await subs.listed(api) == []
    assert await subs.listed(api, status="canceled") == [subscription["id"]]

    # They come back another day, as a new subscription; and go without one.
    again = await subs.subscribed(api)
    assert again["id"] != subscription["id"]
    assert (await subs.shown(api, again))["externalSubscriptionId"] == again["id"]
    await subs.cancelled(api, again)
    assert (await api.delete("/customers/ada/")).status_code == 204
    await money.books_balance(made)


async def test_with_the_month(api: Client, made: Made, subscription: dict[str, Any]) -> None:
    left = await subs.cancelled(api, subscription, "CURRENT_PERIOD_ENDS", cancellationFeedback="OTHER")
    assert (left["status"], left["endDate"], left["cancellationFeedback"]) == ("active", "2031-05-01", "OTHER")
    await subs.advance(api, "2031-04-30T23:59:59Z")
    assert (await subs.shown(api, subscription))["status"] == "active"
    await subs.advance(api, JUNE)
    now = await subs.shown(api, subscription)
    assert (now["status"], now["endDate"]) == ("canceled", "2031-05-01")
    # It was cancelled when that was said, not when it came about.
    assert now["canceledAt"] == "2031-04-16T00:00:00.000000Z"
    assert await subs.paid(api) == [10_000]
    scheduled, ended = await subs.told(api, "subscription.updated", "subscription.cancelled")
    assert (scheduled[0], scheduled[1]["object"]["status"]) == ("subscription.updated", "active")
    assert scheduled[1]["previous_attributes"] == {"end_date": None}
    assert (ended[0], ended[1]["previous_attributes"]) == ("subscription.cancelled", {"status": "active"})
    await money.books_balance(made)


async def test_on_a_day_of_the_seller(api: Client, made: Made, subscription: dict[str, Any]) -> None:
    # It is four hours earlier in New York.
    await api.patch("/organization/", {"timeZone": "America/New_York"})
    past = await subs.refused_cancel(api, subscription, "SPECIFIC_DATE", cancellationDate="2031-04-14")
    assert past == {"cancellationDate": ["The date must be today or later."]}
    await subs.cancelled(api, subscription, "SPECIFIC_DATE", "2031-05-20")
    await subs.advance(api, "2031-05-20T03:59:59Z")
    assert (await subs.shown(api, subscription))["status"] == "active"
    await subs.advance(api, "2031-05-20T04:00:00Z")
    now = await subs.shown(api, subscription)
    assert (now["status"], now["endDate"]) == ("canceled", "2031-05-20")
    # May was begun, and is paid whole.
    await subs.advance(api, JUNE)
    assert await subs.paid(api) == [10_000, 10_000]
    await money.books_balance(made)


async def test_today_is_at_once_and_the_day_of_the_renewal_comes_before_it(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await money.customer(api, customer_id="bob")
    bob = await subs.subscribed(api, customer_id="bob")
    assert (await subs.cancelled(api, bob, "SPECIFIC_DATE", "2031-04-16"))["status"] == "canceled"
    await subs.cancelled(api, subscription, "SPECIFIC_DATE", "2031-05-01")
    await subs.advance(api, JUNE)
    assert (await subs.shown(api, subscription))["status"] == "canceled"
    assert await subs.paid(api) == [10_000, 10_000]
    await money.books_balance(made)


async def test_a_later_word_replaces_an_earlier_one(api: Client, made: Made, subscription: dict[str, Any]) -> None:
    await subs.cancelled(api, subscription, "CURRENT_PERIOD_ENDS", cancellationFeedback="UNUSED")
    later = await subs.cancelled(api, subscription, "SPECIFIC_DATE", "2031-05-10", cancellationFeedback="OTHER")
    assert (later["endDate"], later["cancellationFeedback"]) == ("2031-05-10", "OTHER")
    await subs.advance(api, "2031-05-05T00:00:00Z")
    assert await subs.paid(api) == [10_000, 10_000]
    now = await subs.cancelled(api, subscription)
    assert (now["status"], now["endDate"]) == ("canceled", "2031-05-05")
    await money.books_balance(made)


async def test_who_is_about_to_leave_changes_their_plan_and_still_leaves(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await subs.cancelled(api, subscription, "CURRENT_PERIOD_ENDS", cancellationFeedback="TOO_COMPLEX")
    team = await subs.updated(api, subscription, "team")
    assert (team["endDate"], team["cancellationFeedback"]) == ("2031-05-01", "TOO_COMPLEX")
    # With another period it is that one's end.
    yearly = await subs.updated(api, team, period="YEARLY")
    assert yearly["endDate"] == "2032-04-16"
    await subs.advance(api, "2032-06-01T00:00:00Z")
    assert (await subs.shown(api, yearly))["status"] == "canceled"
    # Whoever still has an old id is told the last one, and that one has ended.
    why = {"detail": f"The subscription was updated since. Its current id is {yearly['id']}."}
    assert await subs.refused_cancel(api, subscription) == why
    assert await subs.refused_update(api, team) == why
    assert await subs.refused_cancel(api, yearly) == ENDED
    assert await subs.paid(api) == [10_000, 5_000, 90_000]
    await money.books_balance(made)


async def test_what_is_owed_is_asked_for_no_more(api: Client, made: Made, subscription: dict[str, Any]) -> None:
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, "2031-05-03T00:00:00Z")
    assert (await subs.shown(api, subscription))["status"] == "past_due"
    await subs.cancelled(api, subscription)
    assert (await subs.bills(api))[-1] == ("VOID", "100.00", "100.00")
    await money.only_card(api, "ada")
    await subs.advance(api, JUNE)
    assert await subs.asked(api) == [("success", 10_000)] + [("failure", 10_000)] * 3
    await money.books_balance(made)


async def test_what_waited_for_the_next_invoice_comes_with_the_last_one(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    team = await subs.updated(api, subscription, "team", prorationBehavior="PRORATE_NEXT_INVOICE")
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.cancelled(api, team, "CURRENT_PERIOD_ENDS")
    await subs.advance(api, MAY)
    assert (await subs.shown(api, team))["status"] == "canceled"
    assert (await subs.bills(api))[1:] == [("PAYMENT_FAILED", "50.00", "50.00")]
    # It has ended, and the last invoice is tried again like any other.
    await subs.advance(api, "2031-05-04T12:00:00Z")
    await money.only_card(api, "ada")
    await subs.advance(api, JUNE)
    assert (await subs.bills(api))[1:] == [("PAID", "50.00", "50.00")]
    assert (await subs.shown(api, team))["status"] == "canceled"
    assert await subs.asked(api) == [("success", 10_000), *[("failure", 5_000)] * 4, ("success", 5_000)]
    heard = await subs.heard(api, "subscription.cancelled", "subscription.updated", "invoice.paid")
    assert heard == [
        "invoice.paid: PAID", "subscription.updated: active", "subscription.cancelled: canceled", "invoice.paid: PAID",
    ]  # fmt: skip
    await money.books_balance(made)


async def test_a_last_invoice_that_is_never_paid_comes_to_nothing(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    team = await subs.updated(api, subscription, "team", prorationBehavior="PRORATE_NEXT_INVOICE")
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.cancelled(api, team)
    # Whoever does what is due asks for it: the clock goes nowhere before.
    await subs.advance(api, JUNE)
    assert (await subs.bills(api))[1:] == [("VOID", "50.00", "50.00")]
    assert await subs.asked(api) == [("success", 10_000), *[("failure", 5_000)] * 9]
    now = await subs.shown(api, team)
    assert (now["status"], now["endDate"], now["cancellationReason"]) == (
        "canceled",
        "2031-04-16",
        "CANCELLED_BY_MERCHANT",
    )
    assert await subs.heard(api, "subscription.cancelled") == ["subscription.cancelled: canceled"]
    await money.books_balance(made)


async def test_credit_that_waited_is_theirs_when_they_leave(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    basic = await subs.updated(api, subscription, "basic", prorationBehavior="PRORATE_NEXT_INVOICE")
    await subs.cancelled(api, basic)
    assert await subs.credit(api) == 4_000
    assert (await subs.bills(api))[1:] == [("PAID", "-40.00", "0.00")]
    # It pays for whatever they buy next.
    await subs.subscribed(api, "team")
    assert await subs.paid(api) == [10_000, 16_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("subscription")
async def test_what_was_bought_once_ends_at_once_or_on_a_day(api: Client, made: Made) -> None:
    await money.once(api)
    bought = await subs.subscribed(api, "lifetime", "ONE_TIME")
    other = await subs.subscribed(api, "lifetime", "ONE_TIME")
    assert await subs.refused_cancel(api, bought, "CURRENT_PERIOD_ENDS") == {
        "cancellationType": ["What was bought once has no period that ends."]
    }
    assert (await subs.cancelled(api, bought))["status"] == "canceled"
    assert (await subs.cancelled(api, other, "SPECIFIC_DATE", "2031-04-20"))["status"] == "active"
    await subs.advance(api, "2031-04-20T00:00:00Z")
    assert (await subs.shown(api, other))["status"] == "canceled"
    await money.books_balance(made)
