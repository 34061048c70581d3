"""Somebody in India looks at the prices, is told of a discount, buys with it, and finds what they bought."""

import pytest
from starlette.applications import Starlette

from tests.api import buying, catalog, licenses, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.api.test_promotions import INDIA

HERE = {"ip_address": INDIA}
INDIAN = "4000003560000008"


@pytest.fixture
async def product(api: Client) -> str:
    """An app that is bought once: 100 dollars, or 4,000 rupees, with a key, a file and a link."""
    await subs.freeze(api)
    await api.patch("/organization/", {"legalName": "Acme Inc."})
    product = (await catalog.product(api, name="Lumen"))["id"]
    links = [{"name": "Community", "url": "https://example.com/chat"}]
    await catalog.plan(api, "app", product, license=licenses.THREE_FOR_A_YEAR, links=links)
    dollars, rupees = (
        catalog.price(catalog.entry(catalog.charge("ONE_TIME", amount)), currency=currency)
        for currency, amount in (("USD", 100), ("INR", 4000))
    )
    await catalog.set_prices(api, "app", dollars, rupees)
    await catalog.publish(api, "app")
    return product


async def test_somebody_visits_from_far_away(app: Starlette, api: Client, product: str) -> None:
    promotion = await catalog.made(
        api, "/promotions/manage/",
        {"name": "PPP", "restrictions": [{"product": product}], "groups": {"LOWER_MIDDLE_INCOME": 25}},
    )  # fmt: skip
    offering = (await api.get(f"/monetization/product-offering/{product}/", params=HERE)).json()
    [plan] = offering["plans"]
    assert (plan["price"]["currency"], plan["price"]["charges"][0]["priceData"]["amount"]) == ("INR", 4000)
    given = (await api.get("/promotions", params={"promotion_id": promotion["id"], **HERE})).json()
    assert (given["country"], given["percentage"]) == ("India", 25)

    # 4,000 rupees, a quarter off, 18 % on top.
    session = await api.post(
        "/checkout/",
        {"planIdentifier": "app", "chargePeriod": "ONE_TIME", "ipAddress": INDIA, "discountCode": given["code"],
         "successUrl": "https://example.com/thanks", "customerId": "ada"},
    )  # fmt: skip
    window = await buying.at(app, session.json()["checkoutUrl"].split("/")[-2])
    buyer = {"email": "ada@example.com", "name": "Ada", "country": "IN"}
    await window.pay(**buyer, **{**buying.CARD, "card_number": INDIAN})
    [order] = await subs.orders(api)
    assert (order["saleCurrency"], order["amountDiscount"], order["amountTotal"]) == ("INR", "1000.00", "3540.00")
    [key] = order["license"]

    # What came with it is in the portal, and the key works.
    link = (await api.post("/portal/session/", {"customerId": "ada"})).json()
    page = await buying.tab(app).http.get(f"{link['customerPortalUrl']}?token={link['token']}")
    for text in (key["licenseKey"], "Community", "Lumen: App", "₹3,540.00"):
        assert text in page.text, text
    active = await licenses.activate(api, key)
    assert await licenses.code(api, key, active) == "VALID"
    assert (await api.get("/orders/")).json()["count"] == 1
    await money.one(api, "/customers/")
