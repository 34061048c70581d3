"""A large customer agrees on an amount, buys it on the page, pays it month by month, and changes to another plan."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.api import buying, catalog, checkout
from tests.api import subscriptions as subs
from tests.api.conftest import Client

# With German tax on top.
DEAL = {"currencyCode": "USD", "customAmount": 349, "taxBehavior": "EXCLUSIVE", "discountsEnabled": False}


@pytest.fixture
async def product(api: Client) -> str:
    """Two plans of a product: `enterprise` with seats, by agreement, and `pro` for 500 dollars a month."""
    await subs.freeze(api)
    await api.patch("/organization/", {"billingAddress": {"country": "US"}, "legalName": "Acme Inc."})
    product = (await catalog.product(api))["id"]
    seats = await catalog.feature(api, name="Seats", identifier="seats")
    await catalog.plan(api, "enterprise", product)
    await catalog.grant(api, "enterprise", (seats, {"value": 1}))
    per_seat = catalog.entry(catalog.charge("MONTHLY", 20, minQuantity=1), feature=seats["id"])
    await catalog.set_prices(api, "enterprise", catalog.price(catalog.entry(catalog.charge("MONTHLY", 100)), per_seat))
    await catalog.publish(api, "enterprise")
    await subs.recurring(api, "pro", 500, product_id=product)
    return product


async def seats_of(api: Client) -> int:
    """Return how many seats the customer has."""
    [entitlement] = (await api.get("/entitlements/", params={"customer_id": "acme"})).json()["entitlements"]
    return entitlement["usageLimit"]


async def charged(api: Client) -> list[str]:
    """Return what was paid, the earliest first."""
    orders: list[dict[str, Any]] = await subs.orders(api)
    assert {order["status"] for order in orders} == {"COMPLETE"}
    return [order["amountTotal"] for order in orders]


@pytest.mark.usefixtures("product")
async def test_a_deal_is_made(app: Starlette, api: Client) -> None:
    fifty = [{"identifier": "seats", "quantity": 50}]
    id = await checkout.opened(
        api, "enterprise", customerId="acme", features=fifty, metadata={"dealId": "deal-2031-1042"}, **DEAL
    )
    window = await buying.at(app, id)
    assert window.form.fields["plan"] == "enterprise"
    assert "Renews on February 28, 2031" in window.form.text
    await window.pay(**buying.BUYER, **buying.CARD)
    session = await checkout.shown(api, id)
    assert (session["status"], session["metadata"]) == ("success", {"dealId": "deal-2031-1042"})
    # 349.00 with 19 % on top, each month, for as many seats.
    await subs.advance(api, "2031-02-28T10:30:00Z")
    await subs.advance(api, "2031-03-31T10:30:00Z")
    assert await charged(api) == ["415.31"] * 3
    assert await seats_of(api) == 50

    # An update ends the deal: on another plan they pay what that costs.
    deal = await subs.shown(api, session["subscription"]["id"])
    assert (deal["plan"]["identifier"], deal["amount"]) == ("enterprise", "349.00")
    pro = await subs.updated(api, deal, "pro", prorationBehavior="NO_PRORATION")
    assert (pro["plan"]["identifier"], pro["amount"]) == ("pro", "500.00")
    await subs.advance(api, "2031-04-30T10:30:00Z")
    assert await charged(api) == ["415.31"] * 3 + ["595.00"]
