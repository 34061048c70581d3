"""On the hosted page nobody pays twice, or what they did not see, nor reaches what is another's."""

import asyncio
import re

import pytest
from starlette.applications import Starlette

from kelviq_server.platform.database import current_pool
from tests.api import catalog, checkout, money, subscriptions
from tests.api.buying import BUYER, CARD, at, authenticating, orders, shop, tab
from tests.api.conftest import Client, client_for
from tests.make import Made


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


async def test_who_keeps_no_cookies_is_told_what_to_do(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    window.http.cookies.clear()
    page = await window.send("pay", **BUYER, **CARD)
    assert window.answer.status_code == 403
    assert "Allow cookies for this site" in page.text
    assert await orders(api) == []


async def test_a_cookie_is_for_one_page_alone(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api)
    cookie = (await at(app, id)).answer.headers["set-cookie"]
    assert f"Path=/checkout/{id};" in cookie
    assert {"HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))
    assert "set-cookie" not in (await tab(app).http.get("/checkout/cs_x/")).headers, "a page without forms"


async def test_a_page_is_kept_to_itself(app: Starlette, api: Client) -> None:
    await shop(api)
    headers = (await at(app, await checkout.opened(api))).answer.headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.endswith("form-action 'self'")


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


async def test_nobody_writes_into_a_record_that_has_blanks(app: Starlette, api: Client, made: Made) -> None:
    await shop(api)
    await catalog.made(api, "/customers/", {"customerId": "ada"})
    browser = client_for(app, made.keys.sandbox.client.plain)
    window = await at(app, await checkout.opened(browser, customerId="ada"))
    await window.pay(**BUYER, **CARD)
    [order] = (await api.get("/orders/")).json()["results"]
    assert (order["customer"]["email"], order["billingAddress"]["country"]) == (BUYER["email"], BUYER["country"])
    customer = (await api.get("/customers/ada/")).json()
    assert (customer["email"], customer["name"], customer["billingAddress"]) == (None, None, None)


async def test_who_came_about_with_a_card_that_failed_may_still_say_where_they_are(
    app: Starlette, api: Client, made: Made
) -> None:
    await shop(api)
    browser = client_for(app, made.keys.sandbox.client.plain)
    window = await at(app, await checkout.opened(browser, customerId="grace"))
    await window.pay(**BUYER, **(CARD | {"card_number": money.DECLINED_LATER}))
    await window.open(window.path)
    await window.pay(**(BUYER | {"country": "FR"}), **CARD)
    paid, _ = (await api.get("/orders/")).json()["results"]
    assert paid["billingAddress"]["country"] == "FR"
    assert (await api.get("/customers/grace/")).json()["billingAddress"]["country"] == "FR"


async def test_nobody_writes_into_a_record_that_came_after_their_page(app: Starlette, api: Client, made: Made) -> None:
    """Whoever knows how a merchant makes up ids would open a page for the next one, and wait."""
    await shop(api)
    browser = client_for(app, made.keys.sandbox.client.plain)
    window = await at(app, await checkout.opened(browser, customerId="ada"))
    await window.send("update", name="Mallory", email="mallory@example.com", country="DE")
    known = {"name": "Ada Lovelace", "email": "ada@example.com", "billingAddress": {"country": "GB", "city": "London"}}
    await money.customer(api, None, **known)
    await window.pay(name="Mallory", email="mallory@example.com", country="DE", **CARD)
    assert await orders(api) == [("COMPLETE", "132.00")], "with the tax of the customer's own country"
    customer = (await api.get("/customers/ada/")).json()
    assert {name: customer[name] for name in known} == known


async def test_nobody_who_is_a_moment_late_writes_into_a_record(app: Starlette, api: Client, made: Made) -> None:
    await shop(api)
    browser = client_for(app, made.keys.sandbox.client.plain)
    windows = [await at(app, await checkout.opened(browser, customerId="ada")) for _ in range(2)]
    for number, window in enumerate(windows):
        await window.send("update", name=f"Buyer {number}", email=f"{number}@example.com", country="DE")
    first, second = windows
    await first.send("pay", **(CARD | {"card_number": money.DECLINED_LATER}))
    await second.pay(**CARD)
    customer = (await api.get("/customers/ada/")).json()
    assert (customer["name"], customer["email"]) == ("Buyer 0", "0@example.com")


async def test_whoever_looks_at_a_page_with_a_code_waits_for_nobody_who_pays_with_it(
    app: Starlette, api: Client
) -> None:
    await shop(api)
    tenth = {"name": "L", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 10}
    discount = await catalog.made(api, "/discounts/", tenth)
    id = await checkout.opened(api, discountCode="LAUNCH")
    async with current_pool().connection() as connection, connection.transaction():
        # As a payment has it that has begun.
        await connection.execute("SELECT FROM discounts WHERE id = %s FOR NO KEY UPDATE", (discount["id"],))
        async with asyncio.timeout(10):
            window = await at(app, id)
            page = await window.send("update", **BUYER)
            await checkout.opened(api, discountCode="LAUNCH")
    assert "-$11.00" in page.text


async def test_the_last_use_of_a_code_is_one_buyers_alone(app: Starlette, api: Client) -> None:
    await shop(api)
    last = {"name": "L", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 10, "redemptionLimit": 1}
    await catalog.made(api, "/discounts/", last)
    windows = [await at(app, await checkout.opened(api, discountCode="LAUNCH")) for _ in range(4)]
    for window in windows:
        await window.send("update", **BUYER)
    pages = await asyncio.gather(*(window.send("pay", **CARD) for window in windows))
    assert await orders(api) == [("COMPLETE", "117.81")]
    assert sum(page.invalid == ["discountCode"] for page in pages) == 3
