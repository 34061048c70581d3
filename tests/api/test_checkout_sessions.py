"""Sessions are opened with every option there is, refused with all that is wrong, and listed."""

import re
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.worker import sweep
from tests.api import catalog, checkout, money, subscriptions
from tests.api.buying import BUYER, CARD, at
from tests.api.conftest import Client, client_for
from tests.make import Made

REQUIRED = "This field is required."
NOT_SOLD = "The plan does not sell this feature by its quantity."


async def test_a_session_has_a_page_that_nobody_guesses(api: Client) -> None:
    await subscriptions.recurring(api)
    first, second = await checkout.opened(api), await checkout.opened(api)
    assert re.fullmatch("cs_[0-9A-Za-z]{45}", first)
    assert first != second


async def test_a_session_shows_what_it_was_opened_with(api: Client) -> None:
    await subscriptions.recurring(api, yearly=1000)
    await catalog.made(api, "/discounts/", {"name": "L", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 10})
    await money.customer(api, None, email="ada@example.com", billingAddress={"country": "DE", "city": "Berlin"})
    id = await checkout.opened(
        api, "pro", "YEARLY", customerId="ada", discountCode="launch", lockEmail=True, defaultBillingCountry="US",
        cancelUrl="https://example.com/pricing", ipAddress="103.154.35.20", plansEnabled="pro", trialPeriod=3,
        metadata={"order_ref": "A", "orderRef": {"n": 1.50}},
    )  # fmt: skip
    session = await checkout.shown(api, id)
    assert session["customer"] == {"customerId": "ada", "name": "Ada Lovelace", "email": "ada@example.com"}
    assert session["billingAddress"] == {"country": "DE", "city": "Berlin"}
    assert (session["status"], session["currency"], session["currencySymbol"]) == ("open", "USD", "$")
    assert (session["discountCode"], session["trialPeriod"]) == ("LAUNCH", 3)
    assert session["selectedData"] == {"planIdentifier": "pro", "chargePeriod": "YEARLY", "features": []}
    assert session["metadata"] == {"order_ref": "A", "orderRef": {"n": 1.5}}
    assert session["data"]["cancelUrl"] == "https://example.com/pricing"
    assert session["product"]["name"] == "Suite"
    assert (session["order"], session["subscription"], session["paymentMethod"]) == (None, None, None)
    assert session["offeringData"]["plans"][0]["prices"] == [
        {"chargePeriod": "MONTHLY", "amount": "100.00"},
        {"chargePeriod": "YEARLY", "amount": "1000.00"},
    ]
    assert await checkout.timeline(api, id) == ["created"]


async def test_without_a_customer_one_is_made_up(api: Client) -> None:
    await subscriptions.recurring(api)
    one, other = [await checkout.shown(api, await checkout.opened(api)) for _ in range(2)]
    assert one["customer"]["customerId"] != other["customer"]["customerId"]
    assert (await api.get("/customers/")).json()["count"] == 0


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"plan": "none"}, {"planIdentifier": ["There is no such plan for sale."]}),
        ({"period": "WEEKLY"}, {"chargePeriod": ["The plan has no price for this charge period."]}),
        ({"period": "FORTNIGHTLY"}, {"chargePeriod": ['"FORTNIGHTLY" is not a valid choice.']}),
        ({"successUrl": "javascript:alert(1)"}, {"successUrl": ["Enter a valid URL."]}),
        ({"successUrl": None}, {"successUrl": ["This field may not be null."]}),
        ({"cancelUrl": "//example.com"}, {"cancelUrl": ["Enter a valid URL."]}),
        ({"discountCode": "NONE"}, {"discountCode": ["There is no such discount code."]}),
        ({"currencyCode": "EUR"}, {"currencyCode": ["The plan has no price in EUR."]}),
        ({"defaultBillingCountry": "XX"}, {"defaultBillingCountry": ['"XX" is not a valid choice.']}),
        ({"plansEnabled": "other"}, {"planIdentifier": ["This plan is not among those that are enabled."]}),
        ({"plansEnabled": "pro, other"}, {"plansEnabled": ['There is no plan "other" for sale.']}),
        ({"plansEnabled": "pro,elsewhere"}, {"plansEnabled": ["These are not plans of one product."]}),
        ({"customAmount": 10}, {"taxBehavior": [REQUIRED], "currencyCode": [REQUIRED]}),
        ({"trialPeriod": 0}, {"trialPeriod": ["Ensure this value is greater than or equal to 1."]}),
        ({"ipAddress": "somewhere"}, {"ipAddress": ["Enter a valid IPv4 or IPv6 address."]}),
        ({"metadata": {"a": "x" * 65536}}, {"metadata": ["Ensure this field has no more than 64 KiB."]}),
        (
            {"features": [{"identifier": "seats", "quantity": 1}]},
            {"features": [{"identifier": [f"features[0].identifier: {NOT_SOLD}"]}]},
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_bought_opens_no_session(api: Client, fields: dict[str, Any], refusal: Any) -> None:
    await subscriptions.recurring(api)
    await subscriptions.recurring(api, "elsewhere")
    assert await checkout.refused(api, **fields) == refusal


async def test_what_is_free_has_no_trial(api: Client) -> None:
    await money.once(api)
    refusal = await checkout.refused(api, "lifetime", "ONE_TIME", trialPeriod=3)
    assert refusal == {"trialPeriod": ["What is bought once has no trial."]}


async def test_nobody_buys_in_the_name_of_an_archived_customer(api: Client) -> None:
    await subscriptions.recurring(api)
    await money.customer(api, None)
    await api.delete("/customers/ada/")
    assert await checkout.refused(api, customerId="ada") == {"detail": "Customer does not exist."}


async def test_a_browser_opens_sessions_but_decides_nothing_of_the_sellers(
    app: Starlette, made: Made, api: Client
) -> None:
    await subscriptions.recurring(api)
    browser = client_for(app, made.keys.sandbox.client.plain)
    answer = await browser.post("/checkout/", checkout.body())
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == "*"
    fields = {"customAmount": 1, "currencyCode": "USD", "taxBehavior": "INCLUSIVE", "trialPeriod": 700}
    assert await checkout.refused(browser, **fields) == {
        "customAmount": ["This needs a server key."],
        "trialPeriod": ["This needs a server key."],
    }
    assert (await browser.get("/checkout/sessions/")).status_code == 403


async def test_a_browser_does_not_learn_who_a_customer_is(app: Starlette, made: Made, api: Client) -> None:
    await subscriptions.recurring(api)
    await money.customer(api, None, email="ada@example.com", billingAddress={"country": "DE"})
    browser = client_for(app, made.keys.sandbox.client.plain)
    session = await checkout.shown(api, await checkout.opened(browser, customerId="ada"))
    assert session["customer"] == {"customerId": "ada", "name": None, "email": "ada@example.com"}
    assert session["billingAddress"] is None


async def test_a_session_is_priced_where_its_buyer_is_known_to_be(api: Client) -> None:
    await catalog.plan(api)
    prices = [catalog.price(), catalog.price(currency="EUR"), catalog.price(currency="INR")]
    await catalog.set_prices(api, "pro", *prices)
    await catalog.publish(api)
    for fields, currency in (
        ({}, "USD"),
        ({"currencyCode": "EUR"}, "EUR"),
        ({"defaultBillingCountry": "IN"}, "INR"),
        ({"defaultBillingCountry": "IN", "currencyCode": "USD"}, "USD"),
        ({"defaultBillingCountry": "GB"}, "USD"),
    ):
        session = await checkout.shown(api, await checkout.opened(api, **fields))
        assert session["currency"] == currency


async def test_sessions_are_listed_searched_and_counted(api: Client) -> None:
    await subscriptions.recurring(api)
    await money.customer(api, None, email="ada@example.com")
    ids = [await checkout.opened(api, customerId=name) for name in ("ada", "bob", "carol")]

    async def found(query: str) -> list[str]:
        page = (await api.get(f"/checkout/sessions/?{query}")).json()
        assert page["count"] == len(page["results"])
        return [session["id"] for session in page["results"]]

    assert await found("") == list(reversed(ids))
    assert await found("status=open") == list(reversed(ids))
    assert await found("status=success") == []
    # Three letters are now and then in an id, which is looked through as well.
    assert await found("search=ADA@example") == [ids[0]]
    assert await found("search=lovelace suite") == [ids[0]]
    assert await found(f"search={ids[1]}") == [ids[1]]
    assert await found("search=bob&status=expired") == []
    assert len(await found("start_date=2020-01-01&end_date=2999-01-01")) == 3
    assert await found("end_date=2020-01-01") == []
    page = (await api.get("/checkout/sessions/?page_size=2&page=2")).json()
    assert (page["count"], [session["id"] for session in page["results"]]) == (3, [ids[0]])


async def test_a_session_is_opened_once_under_one_key(api: Client) -> None:
    await subscriptions.recurring(api)
    key = {"Idempotency-Key": "once"}
    first, again = [await api.post("/checkout/", checkout.body(), headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert (await api.get("/checkout/sessions/")).json()["count"] == 1


async def test_a_browser_opens_no_sessions_fast(app: Starlette, made: Made, api: Client) -> None:
    await subscriptions.recurring(api)
    transport = httpx.ASGITransport(app, client=("198.51.100.7", 1))
    key = {"Authorization": f"Bearer {made.keys.sandbox.client.plain}"}
    browser = Client(httpx.AsyncClient(transport=transport, headers=key))
    answers = [await browser.post("/checkout/", checkout.body("none")) for _ in range(70)]
    assert [answer.status_code for answer in answers[:60]] == [400] * 60
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    await checkout.opened(api)


async def test_what_nobody_tried_to_buy_is_swept_up_after_thirty_days(app: Starlette, api: Client, made: Made) -> None:
    other_api = client_for(app, made.keys.production.server.plain)
    await subscriptions.freeze(api)
    await subscriptions.recurring(api)
    await catalog.plan(other_api, "free")
    await catalog.set_prices(other_api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(other_api, "free")
    elsewhere = await checkout.opened(other_api, "free")
    looked, tried, paid = [await checkout.opened(api) for _ in range(3)]
    await (await at(app, looked)).send("update", **BUYER)
    await (await at(app, tried)).pay(**BUYER, **(CARD | {"card_number": "4000 0000 0000 0002"}))
    await (await at(app, paid)).pay(**BUYER, **CARD)
    await subscriptions.advance(api, "2031-02-10T00:00:00Z")
    later = await checkout.opened(api)
    await subscriptions.advance(api, "2031-03-03T09:30:00Z")
    await sweep()
    assert await ids(api) == [later, paid, tried, looked], "thirty days since it expired are not over"
    await subscriptions.advance(api, "2031-03-03T09:30:01Z")
    await sweep()
    assert await ids(api) == [later, paid, tried]
    assert await ids(api, status="expired") == [later, tried]
    assert (await api.get(f"/checkout/sessions/{looked}/")).status_code == 404
    assert (await api.get(f"/checkout/sessions/{looked}/events/")).status_code == 404
    assert await ids(other_api) == [elsewhere]


async def ids(api: Client, **query: str) -> list[str]:
    """Return the ids of all sessions, newest first, as many as are counted."""
    page = (await api.get("/checkout/sessions/", params=query)).json()
    assert page["count"] == len(page["results"])
    return [session["id"] for session in page["results"]]
