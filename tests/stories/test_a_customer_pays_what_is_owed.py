"""A customer follows the link to what they owe: they let their bank know, or pay with another card; over HTTP alone."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, HALF, MAY, JUNE = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01"))
LATER = {"paymentBehavior": "activate_on_payment"}


@pytest.fixture
async def plans(api: Client) -> None:
    """Two plans: of 100.00 and 200.00 a month."""
    await subs.freeze(api, APRIL)
    await subs.recurring(api)
    await subs.recurring(api, "team", 200)


class Page:
    """The page of an invoice, and the forms on it."""

    def __init__(self, api: Client, link: str) -> None:
        self.http, self.path = api.http, urlsplit(link).path

    async def shows(self) -> str:
        """Return the heading that the customer sees first."""
        answer = await self.http.get(f"http://testserver{self.path}")
        assert answer.status_code == 200, answer.text
        return re.findall(r"<h1[^>]*>([^<]*)</h1>", answer.text)[0]

    async def send(self, below: str = "", **fields: str) -> httpx.Response:
        """Send a form of the page, as a browser would."""
        shown = await self.http.get(f"http://testserver{self.path}")
        token = re.findall(r'name="csrf_token" value="([^"]*)"', shown.text)
        sent = {"csrf_token": token[0] if token else "", **fields}
        return await self.http.post(f"http://testserver{self.path}{below}", data=sent)

    async def pay_with_saved(self) -> None:
        """Pay with the card on file."""
        assert (await self.send(pay_with="saved")).status_code == 303

    async def pay_with(self, number: str) -> httpx.Response:
        """Pay with another card."""
        return await self.send(pay_with="card", card_number=number, card_expiry="12/39", card_code="123")

    async def answer(self, answer: str) -> httpx.Response:
        """Tell the bank."""
        return await self.send("authenticate/", answer=answer)


async def page_of(api: Client) -> Page:
    """Return the page of the invoice that was told last."""
    _, data = (await subs.told(api, "invoice.payment_failed"))[-1]
    return Page(api, data["object"]["payment_link"])


async def statuses(api: Client, *records: dict[str, Any]) -> list[str]:
    """Return where these records stand."""
    return [(await subs.shown(api, record))["status"] for record in records]


@pytest.mark.usefixtures("plans")
async def test_a_subscription_begins_when_its_customer_has_authenticated_and_so_does_each_month(
    api: Client, made: Made
) -> None:
    await money.customer(api, money.ALWAYS_ASKS)
    created = await subs.subscribed(api)
    await subs.advance(api, "2031-04-01T20:00:00Z")
    page = await page_of(api)
    assert await page.shows() == "Suite: Pro"
    await page.pay_with_saved()
    assert await page.shows() == "Confirm your payment"
    assert await statuses(api, created) == ["incomplete"]
    await page.answer("approve")
    assert await page.shows() == "This invoice is paid"
    # It is in force from now on, for the period that was asked for.
    now = await subs.shown(api, created)
    assert (now["status"], now["billingPeriodStartTime"]) == ("active", "2031-04-01T00:00:00.000000Z")
    assert (await subs.heard(api, *subs.OF_MONEY)) == [
        "invoice.created: OPEN", "invoice.payment_failed: OPEN", "order.created: COMPLETE", "order.updated: COMPLETE",
        "invoice.paid: PAID", "subscription.created: active",
    ]  # fmt: skip
    await subs.advance(api, MAY)
    assert await statuses(api, created) == ["past_due"]
    page = await page_of(api)
    await page.pay_with_saved()
    await page.answer("approve")
    assert await statuses(api, created) == ["active"]
    await subs.advance(api, "2031-05-31T00:00:00Z")
    assert await subs.asked(api) == [("failure", 10_000), ("success", 10_000)] * 2
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_who_has_authenticated_once_is_charged_each_month_without_being_asked(api: Client, made: Made) -> None:
    await money.customer(api, money.ASKS_FOR_AUTHENTICATION)
    created = await subs.subscribed(api)
    page = await page_of(api)
    await page.pay_with_saved()
    await page.answer("approve")
    await subs.advance(api, MAY)
    assert await statuses(api, created) == ["active"]
    assert await subs.asked(api) == [("failure", 10_000), ("success", 10_000), ("success", 10_000)]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_update_takes_effect_when_its_customer_has_authenticated(api: Client, made: Made) -> None:
    await money.customer(api)
    pro = await subs.subscribed(api)
    await subs.advance(api, HALF)
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    team = await subs.updated(api, pro, "team", **LATER)
    await subs.advance(api, "2031-04-16T12:00:00Z")
    page = await page_of(api)
    await page.pay_with_saved()
    # Who thinks twice may.
    assert (await page.answer("refuse")).status_code == 422
    assert await statuses(api, pro, team) == ["active", "incomplete"]
    await page.pay_with_saved()
    await page.answer("approve")
    assert await statuses(api, pro, team) == ["superseded", "active"]
    assert (await subs.heard(api, *subs.OF_MONEY))[-4:] == [
        "order.created: COMPLETE", "order.updated: COMPLETE", "invoice.paid: PAID", "subscription.plan_changed: active",
    ]  # fmt: skip
    # Nothing of it expires any more.
    await subs.advance(api, "2031-04-20T00:00:00Z")
    assert await statuses(api, team) == ["active"]
    assert await subs.paid(api) == [10_000, 5_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("what", ["a subscription", "an update"])
async def test_who_opens_the_page_of_the_bank_and_goes_away_has_not_paid(api: Client, made: Made, what: str) -> None:
    await money.customer(api, money.ASKS_FOR_AUTHENTICATION if what == "a subscription" else money.VISA)
    record = await subs.subscribed(api)
    if what == "an update":
        await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
        record = await subs.updated(api, record, "team", **LATER)
    page = await page_of(api)
    await page.pay_with_saved()
    await subs.advance(api, "2031-04-02T00:00:00Z")
    assert await statuses(api, record) == ["incomplete_expired"]
    # The bank was told, too: whoever comes back finds nothing to approve.
    assert await page.shows() == "This invoice is void"
    assert (await page.answer("approve")).status_code == 403
    assert await statuses(api, record) == ["incomplete_expired"]
    expected = [("failure", 10_000)] * 2
    assert await subs.asked(api) == (expected if what == "a subscription" else [("success", 10_000), *expected])
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_who_pays_with_another_card_is_asked_no_more(api: Client, made: Made) -> None:
    await money.customer(api)
    pro = await subs.subscribed(api)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, "2031-05-02T12:00:00Z")
    page = await page_of(api)
    assert (await page.pay_with("4000000000000002")).status_code == 422, "no card"
    assert await statuses(api, pro) == ["past_due"]
    assert (await page.pay_with("5555555555554444")).status_code == 303
    assert await statuses(api, pro) == ["active"]
    # Automatic payments go on, with that card.
    await subs.advance(api, JUNE)
    assert await subs.asked(api) == [
        ("success", 10_000), ("failure", 10_000), ("failure", 10_000), ("success", 10_000), ("success", 10_000),
    ]  # fmt: skip
    assert (await subs.orders(api))[-1]["paymentMethod"]["last4"] == "4444"
    assert await subs.bills(api) == [("PAID", "100.00", "100.00")] * 3
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("end", ["given up", "cancelled"])
async def test_what_has_ended_cannot_be_paid_by_a_bank_that_comes_late(api: Client, made: Made, end: str) -> None:
    await money.customer(api)
    pro = await subs.subscribed(api)
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    await subs.advance(api, MAY)
    page = await page_of(api)
    await page.pay_with_saved()
    if end == "cancelled":
        await subs.cancelled(api, pro)
    await subs.advance(api, JUNE)
    assert await statuses(api, pro) == ["canceled"]
    assert (await subs.bills(api))[-1] == ("VOID", "100.00", "100.00")
    await page.answer("approve")
    assert await page.shows() == "This invoice is void"
    assert await subs.paid(api) == [10_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_page_that_somebody_left_open_does_not_keep_a_good_card_from_being_tried(
    api: Client, made: Made
) -> None:
    await money.customer(api)
    pro = await subs.subscribed(api)
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    await subs.advance(api, MAY)
    page = await page_of(api)
    await page.pay_with_saved()
    await money.only_card(api, "ada")
    # The first retry finds the bank waiting and calls that off; the second one pays.
    await subs.advance(api, "2031-05-02T00:00:00Z")
    assert await page.shows() == "Suite: Pro"
    assert await statuses(api, pro) == ["past_due"]
    await subs.advance(api, "2031-05-03T00:00:00Z")
    assert await statuses(api, pro) == ["active"]
    assert await subs.asked(api) == [
        ("success", 10_000), ("failure", 10_000), ("failure", 10_000), ("success", 10_000),
    ]  # fmt: skip
    await money.books_balance(made)
