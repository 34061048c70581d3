"""Somebody buys on the hosted page, without a browser's help: forms are filled in and sent, and pages come back."""

import pytest
from starlette.applications import Starlette

from tests.api import catalog, checkout, money, subscriptions
from tests.api.buying import BUYER, CARD, at, authenticating, kinds, orders, shop
from tests.api.conftest import Client
from tests.make import Made


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
    page = await window.open(f"/checkout/{id}/")
    assert (window.answer.status_code, page.refresh) == (200, f"0;url={checkout.SUCCESS}")
    assert "Thank you for your order" in page.text

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


@pytest.mark.parametrize(
    ("typed", "text", "steps", "code"),
    [
        ({"card_number": "4000 0000 0000 0002"}, "The card was declined.", ["payment_failed"], "card_declined"),
        ({"card_number": "4000 0000 0000 9995"}, "insufficient funds", ["payment_failed"], "insufficient_funds"),
        ({"card_number": "4111 1111 1111 1111"}, "Use a test card", ["payment_failed"], "card_declined"),
        ({"card_expiry": "12/30"}, "The card has expired.", ["payment_failed"], "expired_card"),
        (
            {"card_number": money.DECLINED_LATER},
            "The payment was declined.",
            ["payment_attempted", "payment_failed"],
            "card_declined",
        ),
    ],
)
async def test_another_card_can_be_tried(
    app: Starlette, api: Client, made: Made, typed: dict[str, str], text: str, steps: list[str], code: str
) -> None:
    await shop(api)
    await subscriptions.freeze(api)
    id = await checkout.opened(api, customerId="grace")
    window = await at(app, id)
    page = await window.pay(**BUYER, **{**CARD, **typed})
    assert page.invalid == ["card_number"]
    assert text in page.text
    assert page.fields["email"] == "grace@example.com"
    assert (await checkout.shown(api, id))["status"] == "failed"
    assert (await checkout.last_event(api, id))["metadata"]["code"] == code
    assert (await api.get("/payment-methods/")).json()["count"] == 0, "what did not pay is nobody's card"
    assert (await api.get("/subscriptions/")).json()["count"] == 0
    await window.send("pay", **CARD)
    assert (await checkout.shown(api, id))["status"] == "success"
    assert await checkout.timeline(api, id) == [
        "created", "customer_details_updated", *steps, "payment_attempted", "completed",
    ]  # fmt: skip
    assert (await orders(api))[-1] == ("COMPLETE", "130.90")
    await money.books_balance(made)


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


async def test_where_the_bank_is_answered_there_is_nothing_to_see(app: Starlette, api: Client) -> None:
    await shop(api)
    _, window = await authenticating(app, api)
    for below in ("authenticate/", "authenticate"):
        answer = await window.http.get(window.path + below, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, window.path)


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


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://b\u00fccher.example/\u4f8b?a=%20", "https://b%C3%BCcher.example/%E4%BE%8B?a=%20"),
        ("https://a;sandbox/", "https://a;sandbox/"),
        ("https://example.com/'\"><script>?a=1&b=2;3", "https://example.com/'%22%3E%3Cscript%3E?a=1&b=2;3"),
        ("https://me:secret@example.com:8443/", "https://me:secret@example.com:8443/"),
    ],
)
async def test_who_has_paid_goes_on_to_any_address(app: Starlette, api: Client, url: str, location: str) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api, successUrl=url))
    assert window.answer.headers["content-security-policy"].endswith("form-action 'self'")
    page = await window.pay(**BUYER, **CARD)
    assert (window.answer.status_code, page.refresh) == (200, f"0;url={location}")
    assert "<script>" not in window.answer.text


async def test_nobody_guesses_discount_codes_fast(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    sent = {**window.form.fields, "do": "update", "discountCode": "GUESS"}
    statuses = [(await window.http.post(window.path, data=sent)).status_code for _ in range(140)]
    assert set(statuses) == {200, 429}
    assert statuses[:120] == [200] * 120


async def test_an_address_elsewhere_keeps_its_region_until_the_country_changes(app: Starlette, api: Client) -> None:
    await shop(api)
    at_home = {
        "country": "IN",
        "line1": "1 Road",
        "line2": "Flat 2",
        "city": "Kochi",
        "state": "Kerala",
        "postalCode": "682001",
    }
    for external_id in ("ada", "grace"):
        body = {"customerId": external_id, "name": "Ada", "email": "ada@example.com", "billingAddress": at_home}
        await catalog.made(api, "/customers/", body)
    window = await at(app, await checkout.opened(api, customerId="ada"))
    assert window.form.fields["state"] == "Kerala"
    await window.pay(**CARD)
    assert (await api.get("/customers/ada/")).json()["billingAddress"] == at_home

    window = await at(app, await checkout.opened(api, customerId="grace"))
    page = await window.send("update", country="US")
    assert (page.fields["state"], page.invalid) == ("", [])
    await window.send("update", state="NY")
    page = await window.send("update", country="DE")
    assert (page.fields["state"], page.invalid) == ("", [])
    await window.pay(city="Munich", state="Bavaria", **CARD)
    moved = (await api.get("/customers/grace/")).json()["billingAddress"]
    assert (moved["country"], moved["city"], moved["state"]) == ("DE", "Munich", "Bavaria")


@pytest.mark.parametrize(("country", "asked"), [("US", {"state"}), ("DE", {"state", "taxId"}), ("BR", {"state"})])
async def test_what_is_asked_for_depends_on_the_country_and_is_asked_for_once(
    app: Starlette, api: Client, country: str, asked: set[str]
) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api, defaultBillingCountry=country))
    assert {"state", "taxId"} & window.form.fields.keys() == asked
