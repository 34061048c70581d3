"""Somebody buys on the hosted page, without a browser's help: forms are filled in and sent, and pages come back."""

import asyncio
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from tests.api import catalog, checkout, money, subscriptions
from tests.api.conftest import Client, client_for
from tests.make import Made

BUYER = {"email": "grace@example.com", "name": "Grace Hopper", "country": "DE"}
_numbers = count(1)
CARD = {"card_number": money.VISA, "card_expiry": "12/39", "card_code": "123"}


class Form(HTMLParser):
    """What a browser would send of the forms on a page, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.readonly: set[str] = set()
        self.invalid: list[str] = []
        self.text = ""
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if "aria-invalid" in values:
            self.invalid.append(name)
        if tag == "input":
            if values.get("type") == "radio":
                self.choices.setdefault(name, []).append(values["value"])
            if values.get("type") != "radio" or "checked" in values:
                self.fields[name] = values.get("value", "")
            if "readonly" in values:
                self.readonly.add(name)
        elif tag == "select":
            self._select = name
            self.fields[name] = ""
        elif tag == "option":
            self.choices.setdefault(self._select, []).append(values["value"])
            if "selected" in values:
                self.fields[self._select] = values["value"]

    def handle_data(self, data: str) -> None:
        self.text = f"{self.text} {data.strip()}".strip()


@dataclass
class Tab:
    """A browser's window at one page."""

    http: httpx.AsyncClient
    path: str = ""
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(200))
    form: Form = field(default_factory=lambda: Form(""))

    async def open(self, path: str) -> Form:
        self.path = path
        return self._shown(await self.http.get(path, headers={"Accept": "text/html"}))

    async def send(self, do: str, **typed: str) -> Form:
        """Send the form with this typed into it, by one of its buttons."""
        return self._shown(await self.http.post(self.path, data={**self.form.fields, **typed, "do": do}))

    async def pay(self, **typed: str) -> Form:
        """Look at the total with this typed in, and pay that."""
        await self.send("update", **{name: value for name, value in typed.items() if not name.startswith("card_")})
        return await self.send("pay", **typed)

    async def answer_bank(self, answer: str) -> Form:
        fields = {**self.form.fields, "answer": answer}
        return self._shown(await self.http.post(self.path + "authenticate/", data=fields))

    def _shown(self, answer: httpx.Response) -> Form:
        self.answer, self.form = answer, Form(answer.text)
        return self.form


def tab(app: Starlette) -> Tab:
    """Return a new browser's window."""
    # Everybody from an address of their own, since how often one address pays is limited.
    number = next(_numbers)
    client = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=client)
    return Tab(httpx.AsyncClient(transport=transport, base_url="http://testserver", follow_redirects=True))


async def at(app: Starlette, id: str) -> Tab:
    """Return a new browser's window at a session's page."""
    window = tab(app)
    await window.open(f"/checkout/{id}/")
    assert window.answer.status_code == 200, window.answer.text
    return window


async def shop(api: Client) -> None:
    """Sell a plan by the month and the year, with seats, from a seller in the US."""
    await api.patch("/organization/", {"billingAddress": {"country": "US"}, "legalName": "Acme Inc."})
    seats = await catalog.feature(api, name="Seats", identifier="seats")
    per_seat = catalog.entry(
        catalog.charge("MONTHLY", 10, minQuantity=1, maxQuantity=20),
        catalog.charge("YEARLY", 100, minQuantity=1, maxQuantity=20),
        feature=seats["id"],
    )
    await subscriptions.recurring(api, yearly=1000, entries=(per_seat,))


async def kinds(api: Client, *wanted: str) -> list[str]:
    """Return the types of what was announced, in order, of those that are wanted."""
    return [type for type, _ in await subscriptions.told(api, *wanted)]


async def orders(api: Client) -> list[tuple[str, str]]:
    """Return how all orders stand, and what they came to, the oldest first."""
    return [(order["status"], order["amountTotal"]) for order in await subscriptions.orders(api)]


async def test_somebody_new_subscribes(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api, features=[{"identifier": "seats", "quantity": 3}], metadata={"order_ref": "A"})
    window = await at(app, id)
    assert window.form.choices["period"] == ["MONTHLY", "YEARLY"]
    assert window.form.fields["quantity.seats"] == "3"
    assert "$130.00" in window.form.text
    await window.send("update", **BUYER)
    # 130.00 with 19 % on top.
    assert "VAT 19 %" in window.form.text
    assert "Subscribe and pay $154.70" in window.form.text
    window.http.follow_redirects = False
    await window.send("pay", **CARD)
    assert (window.answer.status_code, window.answer.headers["location"]) == (303, f"/checkout/{id}/")
    last = await window.http.get(f"/checkout/{id}/")
    assert (last.status_code, last.headers["location"]) == (303, checkout.SUCCESS)

    session = await checkout.shown(api, id)
    assert (session["status"], session["order"]["amountTotal"]) == ("success", "154.70")
    assert session["paymentMethod"] == {"paymentMethodType": "card", "paymentMethodName": "visa", "last4": "4242"}
    assert (session["subscription"]["status"], session["subscription"]["amount"]) == ("active", "130.00")
    customer = (await api.get(f"/customers/{session['customer']['customerId']}/")).json()
    assert (customer["name"], customer["email"]) == ("Grace Hopper", "grace@example.com")
    assert customer["billingAddress"] == {"country": "DE"}
    method = await money.one(api, "/payment-methods/")
    assert (method["isDefault"], method["customer"]["email"]) == (True, "grace@example.com")
    assert await checkout.timeline(api, id) == [
        "created", "customer_details_updated", "payment_attempted", "completed",
    ]  # fmt: skip


async def test_what_is_told_of_a_checkout_is_in_order_and_whole(app: Starlette, api: Client, made: Made) -> None:
    await shop(api)
    id = await checkout.opened(api, metadata={"order_ref": "A", "orderRef": [1]}, customerId="grace")
    await (await at(app, id)).pay(**BUYER, **CARD)
    told = await subscriptions.told(api)
    names = [type for type, _ in told]
    assert names == [
        "customer.created", "payment_method.created", "order.created", "order.updated", "invoice.created",
        "invoice.paid", "checkout.completed", "subscription.created",
    ]  # fmt: skip
    completed = dict(told)["checkout.completed"]["object"]
    assert (completed["id"], completed["status"], completed["checkout_type"]) == (id, "success", "SUBSCRIPTION")
    assert (completed["amount"], completed["amount_units"], completed["currency"]) == ("130.90", 13090, "USD")
    assert completed["customer"]["customer_id"] == "grace"
    assert completed["customer_id"] == completed["customer"]["id"]
    assert completed["metadata"] == {"order_ref": "A", "orderRef": [1]}
    assert completed["features"] == [{"identifier": "seats", "quantity": 1}]
    assert completed["billing_address"]["country"] == "DE"
    assert completed["data"]["success_url"] == checkout.SUCCESS
    assert completed["organization"] == str(made.organization.identifier)
    await money.books_balance(made)


async def test_everything_that_is_missing_is_said_at_once_and_what_was_typed_stays(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api)
    window = await at(app, id)
    page = await window.send("pay", email="no address", name="Grace", card_number="1", line1="A Street")
    assert window.answer.status_code == 422
    assert page.invalid == ["email", "country", "card_number", "card_expiry", "card_code"]
    assert (page.fields["email"], page.fields["name"], page.fields["line1"]) == ("no address", "Grace", "A Street")
    assert page.fields["card_number"] == ""
    page = await window.send("pay", **{**BUYER, "country": "US"}, **CARD)
    assert page.invalid == ["postalCode", "state"]
    assert "NY" in page.choices["state"]
    page = await window.send("pay", state="NY", postalCode="10001", taxId="DE136695976", **CARD)
    assert "Look at the new total" in page.text, "the tax of New York was not on the page"
    assert (await checkout.shown(api, id))["status"] == "open"
    assert await orders(api) == []


async def test_nobody_pays_what_the_page_did_not_say(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    await window.send("update", **BUYER)
    page = await window.send("pay", **CARD, **{"quantity.seats": "5"})
    assert window.answer.status_code == 422
    assert "Look at the new total and pay again." in page.text
    assert "$178.50" in page.text
    assert await orders(api) == []
    await window.send("pay", **CARD)
    assert await orders(api) == [("COMPLETE", "178.50")]


@pytest.mark.parametrize(
    ("number", "text", "steps"),
    [
        ("4000 0000 0000 0002", "The card was declined.", ["payment_failed"]),
        ("4000 0000 0000 9995", "insufficient funds", ["payment_failed"]),
        ("4111 1111 1111 1111", "Use a test card", ["payment_failed"]),
        (money.DECLINED_LATER, "The payment was declined.", ["payment_attempted", "payment_failed"]),
    ],
)
async def test_another_card_can_be_tried(
    app: Starlette, api: Client, made: Made, number: str, text: str, steps: list[str]
) -> None:
    await shop(api)
    id = await checkout.opened(api, customerId="grace")
    window = await at(app, id)
    page = await window.pay(**BUYER, **{**CARD, "card_number": number})
    assert page.invalid == ["card_number"]
    assert text in page.text
    assert page.fields["email"] == "grace@example.com"
    assert (await checkout.shown(api, id))["status"] == "failed"
    assert (await api.get("/payment-methods/")).json()["count"] == 0, "what did not pay is nobody's card"
    assert (await api.get("/subscriptions/")).json()["count"] == 0
    await window.send("pay", **CARD)
    assert (await checkout.shown(api, id))["status"] == "success"
    assert await checkout.timeline(api, id) == [
        "created", "customer_details_updated", *steps, "payment_attempted", "completed",
    ]  # fmt: skip
    assert (await orders(api))[-1] == ("COMPLETE", "130.90")
    await money.books_balance(made)


async def authenticating(app: Starlette, api: Client, **fields: Any) -> tuple[str, Tab]:
    """Return a session whose payment waits for its customer, and the window that asks them."""
    id = await checkout.opened(api, **fields)
    window = await at(app, id)
    page = await window.pay(**BUYER, **{**CARD, "card_number": money.ASKS_FOR_AUTHENTICATION})
    assert "Confirm your payment" in page.text
    assert (await checkout.shown(api, id))["status"] == "processing"
    return id, window


async def test_a_payment_that_is_approved_is_paid_and_the_card_stays(app: Starlette, api: Client) -> None:
    await shop(api)
    id, window = await authenticating(app, api)
    window.http.follow_redirects = False
    await window.answer_bank("approve")
    session = await checkout.shown(api, id)
    assert (session["status"], session["subscription"]["status"]) == ("success", "active")
    assert (await money.one(api, "/payment-methods/"))["methodData"]["last4"] == "3155"
    await window.answer_bank("refuse")
    assert await orders(api) == [("COMPLETE", "130.90")]


@pytest.mark.parametrize("answer", ["refuse", "cancel"])
async def test_a_payment_that_is_not_approved_leaves_the_page_open(app: Starlette, api: Client, answer: str) -> None:
    await shop(api)
    id, window = await authenticating(app, api)
    page = await window.answer_bank(answer)
    assert "The payment was not authenticated." in page.text
    assert await checkout.timeline(api, id) == [
        "created", "customer_details_updated", "payment_attempted", "payment_requires_action", "payment_failed",
    ]  # fmt: skip
    await window.send("pay", **CARD)
    assert (await checkout.shown(api, id))["status"] == "success"
    assert await orders(api) == [("FAILED", "130.90"), ("COMPLETE", "130.90")]


async def test_who_sends_it_twice_pays_once(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api)
    windows = [await at(app, id) for _ in range(3)]
    for window in windows:
        await window.send("update", **BUYER)
    await asyncio.gather(*(window.send("pay", **CARD) for window in windows for _ in range(2)))
    assert await orders(api) == [("COMPLETE", "130.90")]
    # The back button: what was sent once is sent again.
    await windows[0].http.post(f"/checkout/{id}/", data={**windows[1].form.fields, **CARD, "do": "pay"})
    assert await orders(api) == [("COMPLETE", "130.90")]
    assert (await api.get("/customers/")).json()["count"] == 1


async def test_a_page_that_is_older_than_a_failure_charges_nothing(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api)
    first, second = await at(app, id), await at(app, id)
    for window in (first, second):
        await window.send("update", **BUYER)
    await first.send("pay", **{**CARD, "card_number": money.DECLINED_LATER})
    page = await second.send("pay", **{**CARD, "card_number": money.DECLINED_LATER})
    assert "The payment was declined." in page.text
    assert await orders(api) == [("FAILED", "130.90")]


async def test_a_late_answer_is_waited_for(app: Starlette, api: Client) -> None:
    await shop(api)
    await subscriptions.freeze(api)
    id = await checkout.opened(api)
    window = await at(app, id)
    page = await window.pay(**BUYER, **{**CARD, "card_number": money.ANSWERS_LATE})
    assert "Your payment is on its way" in page.text
    assert (await checkout.shown(api, id))["order"] is None
    page = await window.open(f"/checkout/{id}/")
    assert "Your payment is on its way" in page.text
    await subscriptions.advance(api, "2031-01-31T10:30:00Z")
    assert (await checkout.shown(api, id))["status"] == "success"


async def test_what_is_free_needs_no_card(app: Starlette, api: Client) -> None:
    await catalog.plan(api, "free")
    await catalog.set_prices(api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(api, "free")
    id = await checkout.opened(api, "free", "ONE_TIME")
    window = await at(app, id)
    assert "card_number" not in window.form.fields
    await window.send("update", **BUYER)
    window.http.follow_redirects = False
    await window.send("pay")
    session = await checkout.shown(api, id)
    assert (session["status"], session["subscription"]["billingType"]) == ("success", "ONE_TIME")
    assert await kinds(api, "checkout.completed", "subscription.created") == [
        "checkout.completed", "subscription.created",
    ]  # fmt: skip


async def test_a_trial_charges_nothing_yet_and_keeps_the_card(app: Starlette, api: Client) -> None:
    await shop(api)
    await subscriptions.freeze(api)
    id = await checkout.opened(api, trialPeriod=14)
    window = await at(app, id)
    assert "Free until February 14, 2031" in window.form.text
    await window.pay(**BUYER, **CARD)
    session = await checkout.shown(api, id)
    assert (session["order"]["amountTotal"], session["order"]["isTrial"]) == ("0.00", True)
    assert (session["subscription"]["status"], session["subscription"]["trialDaysRemaining"]) == ("trialing", 14)
    await subscriptions.advance(api, "2031-02-15T00:00:00Z")
    assert await orders(api) == [("COMPLETE", "0.00"), ("COMPLETE", "130.90")]


async def test_a_discount_is_typed_in_refused_and_taken_off(app: Starlette, api: Client) -> None:
    await shop(api)
    await catalog.made(api, "/discounts/", {"name": "L", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 10})
    id = await checkout.opened(api)
    window = await at(app, id)
    page = await window.send("update", discountCode="NONE")
    assert (page.invalid, page.fields["discountCode"]) == (["discountCode"], "NONE")
    page = await window.send("update", **BUYER, discountCode="launch")
    assert page.fields["discountCode"] == "launch"
    assert "-$11.00" in page.text
    await window.send("pay", **CARD)
    # 110.00 less a tenth, with 19 % on top.
    assert await orders(api) == [("COMPLETE", "117.81")]
    completed = (await subscriptions.told(api, "checkout.completed"))[0][1]["object"]
    assert completed["discount_code"] == "LAUNCH"


async def test_the_sellers_page_may_hide_discounts_and_fix_the_address(app: Starlette, api: Client) -> None:
    await shop(api)
    await money.customer(api, None, email="ada@example.com", billingAddress={"country": "GB", "city": "London"})
    window = await at(app, await checkout.opened(api, customerId="ada", lockEmail=True, discountsEnabled=False))
    assert "discountCode" not in window.form.fields
    assert (window.form.fields["email"], window.form.readonly) == ("ada@example.com", {"email"})
    assert (window.form.fields["country"], window.form.fields["city"]) == ("GB", "London")
    await window.pay(email="other@example.com", discountCode="NONE", **CARD)
    assert (await api.get("/customers/ada/")).json()["email"] == "ada@example.com"


async def test_whoever_opens_a_page_in_anothers_name_neither_sees_nor_changes_nor_uses_what_is_theirs(
    app: Starlette, api: Client, made: Made
) -> None:
    await shop(api)
    known = {"name": "Ada Lovelace", "email": "ada@example.com", "billingAddress": {"country": "GB", "city": "London"}}
    await money.customer(api, None, **known)
    await catalog.made(api, "/credits/", {"customerId": "ada", "currencyCode": "USD", "amountUnits": 100_000})
    browser = client_for(app, made.keys.sandbox.client.plain)
    window = await at(app, await checkout.opened(browser, customerId="ada"))
    assert (window.form.fields["email"], window.form.readonly) == ("ada@example.com", {"email"})
    assert {"name", "country", "city"} & window.form.fields.keys() == set()
    for secret in ("Lovelace", "London", "credit"):
        assert secret not in window.answer.text
    await window.pay(email="mallory@example.com", name="Mallory", country="DE", **CARD)
    assert await orders(api) == [("COMPLETE", "132.00")], "with the tax of the customer's own country, and no credit"
    customer = (await api.get("/customers/ada/")).json()
    assert {name: customer[name] for name in known} == known


async def test_a_session_is_over_after_a_day(app: Starlette, api: Client) -> None:
    await shop(api)
    await subscriptions.freeze(api)
    id = await checkout.opened(api, cancelUrl="https://example.com/pricing")
    window = await at(app, id)
    await window.send("update", **BUYER)
    await subscriptions.advance(api, "2031-02-01T09:29:59Z")
    assert (await checkout.shown(api, id))["status"] == "open"
    await subscriptions.advance(api, "2031-02-01T09:30:00Z")
    assert (await checkout.shown(api, id))["status"] == "expired"
    page = await window.send("pay", **CARD)
    assert (window.answer.status_code, await orders(api)) == (410, [])
    assert "This checkout has expired" in page.text
    assert "https://example.com/pricing" in window.answer.text
    assert await checkout.timeline(api, id) == ["created", "customer_details_updated", "expired"]


async def test_a_payment_that_waits_when_the_session_is_over_is_never_made(app: Starlette, api: Client) -> None:
    await shop(api)
    await subscriptions.freeze(api)
    id, window = await authenticating(app, api)
    await subscriptions.advance(api, "2031-02-02T00:00:00Z")
    assert (await checkout.shown(api, id))["status"] == "expired"
    page = await window.answer_bank("approve")
    assert "This checkout has expired" in page.text
    assert await orders(api) == [("FAILED", "130.90")]


async def test_who_tries_very_many_cards_is_shown_out(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    await window.send("update", **BUYER)
    for _ in range(20):
        assert "Too many" not in window.form.text
        await window.send("pay", **{**CARD, "card_number": "4000 0000 0000 0002"})
    page = await window.open(window.path)
    assert (window.answer.status_code, "Too many cards were tried" in page.text) == (410, True)
    assert await orders(api) == []


async def test_nobody_tries_cards_fast(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    sent = {**window.form.fields, "do": "pay"}
    statuses = [(await window.http.post(window.path, data=sent)).status_code for _ in range(30)]
    assert set(statuses) == {422, 429}
    assert statuses[:20] == [422] * 20


async def test_nobody_else_sends_our_forms(app: Starlette, api: Client) -> None:
    await shop(api)
    id, other = await checkout.opened(api), await checkout.opened(api)
    window, stranger = await at(app, id), await at(app, other)
    token = {"csrf_token": stranger.form.fields["csrf_token"]}
    for client, fields in (
        (tab(app).http, {**window.form.fields, **BUYER}),
        (window.http, {**window.form.fields, **token}),
        (window.http, {}),
    ):
        answer = await client.post(f"/checkout/{id}/", data={"do": "update", **fields})
        assert answer.status_code == 403
    assert (await checkout.shown(api, id))["customer"]["email"] is None


async def test_a_page_is_kept_to_itself(app: Starlette, api: Client) -> None:
    await shop(api)
    headers = (await at(app, await checkout.opened(api))).answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://example.com" in policy


@pytest.mark.parametrize("path", ["/checkout/cs_x/", f"/checkout/cs_{'a' * 45}/", "/checkout/%00/"])
async def test_what_is_no_session_is_not_found(app: Starlette, pool: None, path: str) -> None:
    window = tab(app)
    page = await window.open(path)
    assert window.answer.status_code == 404
    assert "There is nothing here" in page.text


async def test_texts_of_the_merchant_and_the_buyer_do_nothing_on_the_page(app: Starlette, api: Client) -> None:
    mean = "<script>alert(1)</script>\"'"
    product = await catalog.product(api, name=mean, description=mean)
    await subscriptions.recurring(api, product_id=product["id"])
    window = await at(app, await checkout.opened(api))
    await window.send("update", name=mean, email=mean, discountCode=mean)
    assert "<script>alert" not in window.answer.text
    assert window.form.fields["name"] == mean
    assert re.search(r"<script(?! src=)", window.answer.text) is None


async def test_a_token_that_is_none_of_ours_is_refused_whatever_it_holds(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    await window.send("update", csrf_token="é")
    assert window.answer.status_code == 403


async def test_nobody_buys_another_plan_for_the_same_money_than_the_page_showed(app: Starlette, api: Client) -> None:
    product = await catalog.product(api)
    await subscriptions.recurring(api, product_id=product["id"])
    await subscriptions.recurring(api, "lite", product_id=product["id"])
    window = await at(app, await checkout.opened(api))
    await window.send("update", **BUYER)
    assert (await api.delete("/catalog/plans/pro/")).status_code == 204
    page = await window.send("pay", **CARD)
    assert "Look at the new total" in page.text
    assert (page.fields["plan"], await orders(api)) == ("lite", [])
    await window.send("pay", **CARD)
    assert await orders(api) == [("COMPLETE", "119.00")]


async def test_an_address_that_was_typed_can_be_corrected_though_the_sellers_is_fixed(
    app: Starlette, api: Client
) -> None:
    await shop(api)
    await money.customer(api, None, email=None)
    window = await at(app, await checkout.opened(api, customerId="ada", lockEmail=True))
    page = await window.send("update", **{**BUYER, "email": "gracw@example.com"})
    assert page.readonly == set()
    await window.pay(**BUYER, **CARD)
    assert (await api.get("/customers/ada/")).json()["email"] == BUYER["email"]


@pytest.mark.parametrize(
    ("url", "policy", "location"),
    [
        ("https://b\u00fccher.example/\u4f8b?a=%20", " https://xn--bcher-kva.example", "https://b%C3%BCcher.example/%E4%BE%8B?a=%20"),
        ("https://a;sandbox/", "", "https://a;sandbox/"),
        ("https://me:secret@example.com:8443/", " https://example.com:8443", "https://me:secret@example.com:8443/"),
    ],
)  # fmt: skip
async def test_a_page_leads_to_any_address_and_to_no_other(
    app: Starlette, api: Client, url: str, policy: str, location: str
) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api, successUrl=url))
    assert window.answer.headers["content-security-policy"].endswith(f"form-action 'self'{policy}")
    window.http.follow_redirects = False
    await window.pay(**BUYER, **CARD)
    await window.open(window.path)
    assert (window.answer.status_code, window.answer.headers["location"]) == (303, location)


async def test_nobody_guesses_discount_codes_fast(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    sent = {**window.form.fields, "do": "update", "discountCode": "GUESS"}
    statuses = [(await window.http.post(window.path, data=sent)).status_code for _ in range(140)]
    assert set(statuses) == {200, 429}
    assert statuses[:120] == [200] * 120
