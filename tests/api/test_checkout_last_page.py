"""The last page of a checkout shows what came with the order while its buyer has it, and what became of the order."""

import pytest
from starlette.applications import Starlette

from tests.api import catalog, licenses, money
from tests.api import subscriptions as subs
from tests.api.buying import BUYER, CARD, Tab, tab
from tests.api.conftest import Client

THANKS, REFUNDED = "Thank you for your order", "This order was refunded"


async def bought(app: Starlette, api: Client, period: str) -> tuple[Tab, list[str]]:
    """Return a window at the last page of a link's checkout, and what that lists."""
    links = [{"name": "Community", "url": "https://example.com/chat"}]
    await catalog.plan(api, "pro", license=licenses.THREE_FOR_A_YEAR, links=links)
    await catalog.set_prices(api, "pro", catalog.price(catalog.entry(catalog.charge(period, 49))))
    await catalog.publish(api, "pro")
    product = (await api.get("/catalog/plans/pro/")).json()["product"]
    window = tab(app)
    answer = await window.http.get(f"/sandbox/buy/{product}/", params={"plan_identifier": "pro"})
    await window.open(answer.url.path)
    page = await window.pay(**BUYER, **CARD)
    issued = await money.one(api, "/licenses/")
    came_with = [issued["licenseKey"], "Active on 0 of 3 devices", "Community"]
    assert THANKS in page.text
    assert page.refresh is None, "a link leads back to no page of the merchant's"
    for text in came_with:
        assert text in page.text, text
    return window, came_with


@pytest.mark.parametrize("period", ["ONE_TIME", "MONTHLY"])
async def test_a_refund_is_told_and_whoever_has_all_back_is_handed_nothing(
    app: Starlette, api: Client, period: str
) -> None:
    window, came_with = await bought(app, api, period)
    order = await money.one(api, "/orders/")
    assert (await api.post("/refunds/", {"orderId": order["id"], "amount": 10})).status_code == 200
    page = await window.open(window.path)
    assert "Refunded $10.00" in page.text
    assert all(text in page.text for text in (THANKS, *came_with))
    assert (await api.post("/refunds/", {"orderId": order["id"]})).status_code == 200
    page = await window.open(window.path)
    assert REFUNDED in page.text
    assert "Refunded $58.31" in page.text
    assert not any(text in page.text for text in (THANKS, *came_with))


async def test_what_has_ended_is_not_handed_over_any_more(app: Starlette, api: Client) -> None:
    window, came_with = await bought(app, api, "MONTHLY")
    [subscription] = (await api.get("/subscriptions/")).json()["results"]
    await subs.cancelled(api, subscription)
    page = await window.open(window.path)
    assert "This has ended since." in page.text
    assert not any(text in page.text for text in came_with)
