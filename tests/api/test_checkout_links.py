"""A link to a product opens a session, as its parameters have it, or says in words why not."""

from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette

from tests.api import catalog, checkout, subscriptions
from tests.api.buying import BUYER, CARD, Form, at, tab
from tests.api.conftest import Client


@pytest.fixture
async def product(api: Client) -> str:
    """Two plans of a product: `pro` by the month and the year, and `free`."""
    product = await catalog.product(api)
    await subscriptions.recurring(api, yearly=1000, product_id=product["id"])
    await catalog.plan(api, "free", product["id"])
    await catalog.set_prices(api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(api, "free")
    return product["id"]


async def opened(app: Starlette, api: Client, product: str, **query: str) -> dict[str, Any]:
    """Follow a link, and return the session that it opened."""
    window = tab(app)
    answer = await window.http.get(
        f"/sandbox/buy/{product}/", params=query, headers={"Referer": "https://example.com/"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.history[0].status_code == 303
    return await checkout.shown(api, answer.url.path.split("/")[2])


async def test_a_link_alone_opens_what_there_is(app: Starlette, api: Client, product: str) -> None:
    session = await opened(app, api, product)
    assert session["selectedData"]["planIdentifier"] in ("pro", "free")
    assert len(session["offeringData"]["plans"]) == 2
    assert (session["data"]["referer"], session["data"]["successUrl"]) == ("https://example.com/", None)


async def test_a_link_chooses_and_fills_in(app: Starlette, api: Client, product: str) -> None:
    await catalog.made(api, "/discounts/", {"name": "L", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 10})
    session = await opened(
        app, api, product, enabled="pro", plan_identifier="pro", charge_period="YEARLY", discounts_enabled="false",
        discount_code="LAUNCH", customer_id="cust_789", success_url=checkout.SUCCESS, another="ignored",
    )  # fmt: skip
    assert session["selectedData"] == {"planIdentifier": "pro", "chargePeriod": "YEARLY", "features": []}
    assert [plan["identifier"] for plan in session["offeringData"]["plans"]] == ["pro"]
    assert (session["discountCode"], session["customer"]["customerId"]) == ("LAUNCH", "cust_789")
    assert (session["data"]["discountsEnabled"], session["data"]["successUrl"]) == (False, checkout.SUCCESS)


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"plan_identifier": "none"}, 400, "There is no such plan for sale."),
        ({"enabled": "free", "plan_identifier": "pro"}, 400, "not among those"),
        ({"plan_identifier": "pro", "charge_period": "DAILY"}, 400, "no price for this charge period"),
        ({"charge_period": "FORTNIGHTLY"}, 400, 'charge_period: "FORTNIGHTLY" is not a valid choice'),
        ({"discounts_enabled": "maybe"}, 400, 'discounts_enabled: "maybe" is not a valid choice'),
        ({"success_url": "javascript:alert(1)"}, 400, "success_url: Enter a valid URL."),
        ({"customer_id": "a/b"}, 400, "customer_id: Slashes are not allowed."),
        ({"enabled": ",".join(map(str, range(101)))}, 400, "enabled: Ensure this field has no more than"),
        ({"plan_identifier": "pro", "discount_code": "NONE"}, 400, "Go on without the discount"),
    ],
)
async def test_a_link_that_leads_nowhere_says_so(
    app: Starlette, api: Client, product: str, query: dict[str, str], status: int, text: str
) -> None:
    answer = await tab(app).http.get(f"/sandbox/buy/{product}/", params=query)
    assert answer.status_code == status
    assert text in Form(answer.text).text
    assert (await api.get("/checkout/sessions/")).json()["count"] == 0


async def test_a_link_is_one_of_its_own_environment(app: Starlette, api: Client, product: str) -> None:
    for path in (f"/buy/{product}/", f"/sandbox/buy/{uuid4()}/", "/sandbox/buy/suite/"):
        assert (await tab(app).http.get(path)).status_code == 404
    assert (await tab(app).http.head(f"/sandbox/buy/{product}/")).status_code == 200
    assert (await api.get("/checkout/sessions/")).json()["count"] == 0


async def test_a_link_has_names_of_its_own(app: Starlette, api: Client, product: str) -> None:
    session = await opened(
        app, api, product, success_url=checkout.SUCCESS, successUrl="nowhere", planIdentifier="none",
        plan_identifier="pro", discounts_enabled="False",
    )  # fmt: skip
    assert (session["data"]["successUrl"], session["selectedData"]["planIdentifier"]) == (checkout.SUCCESS, "pro")
    assert session["data"]["discountsEnabled"] is False


async def test_a_free_plan_is_bought_once_whatever_the_period_of_those_beside_it(
    app: Starlette, api: Client, product: str
) -> None:
    link = {"enabled": "free,pro", "plan_identifier": "free", "charge_period": "MONTHLY"}
    session = await opened(app, api, product, **link)
    assert session["selectedData"] == {"planIdentifier": "free", "chargePeriod": "ONE_TIME", "features": []}
    by_the_api = await checkout.opened(api, "free", "YEARLY")
    assert (await checkout.shown(api, by_the_api))["selectedData"]["chargePeriod"] == "ONE_TIME"
    window = await at(app, session["id"])
    await window.send("update", plan="pro", period="YEARLY")
    await window.pay(**BUYER, plan="free", **CARD)
    bought = await checkout.shown(api, session["id"])
    assert (bought["status"], bought["subscription"]["billingType"]) == ("success", "ONE_TIME")
