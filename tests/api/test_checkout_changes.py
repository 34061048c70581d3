"""What changed since a session was opened is said when its page is, and where it is looked for."""

from typing import Any

from starlette.applications import Starlette

from tests.api import catalog, checkout, money
from tests.api.buying import BUYER, CARD, Tab, at, orders, shop
from tests.api.conftest import Client

CHECK = "Please check what is marked below."


async def discounted(app: Starlette, api: Client, **fields: Any) -> Tab:
    """Return a window at a session whose code was archived since."""
    await shop(api)
    launch = {"name": "L", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 10}
    discount = await catalog.made(api, "/discounts/", launch)
    id = await checkout.opened(api, discountCode="LAUNCH", **fields)
    assert (await api.patch(f"/discounts/{discount['id']}/", {"enabled": False})).status_code == 200
    return await at(app, id)


async def test_a_page_with_nothing_left_to_buy_says_so(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api, cancelUrl="https://example.com/pricing")
    assert (await api.delete("/catalog/plans/pro/")).status_code == 204
    window = await at(app, id)
    assert "Nothing of this product is for sale." in window.form.text
    assert "https://example.com/pricing" in window.answer.text
    assert {"email", "discountCode", "card_number"} & window.form.fields.keys() == set(), "nothing to fill in in vain"
    page = await window.send("pay", **BUYER, **CARD)
    assert window.answer.status_code == 422
    assert page.text.count("Nothing of this product is for sale.") == 1


async def test_a_code_that_holds_no_more_is_shown_and_marked_when_the_page_opens(app: Starlette, api: Client) -> None:
    window = await discounted(app, api)
    page = window.form
    assert (page.invalid, page.fields["discountCode"]) == (["discountCode"], "LAUNCH")
    assert "There is no such discount code." in page.text
    assert "Subscribe and pay $110.00" in page.text
    page = await window.send("update", **BUYER)
    assert (page.invalid, page.fields["discountCode"]) == (["discountCode"], "LAUNCH")
    page = await window.send("update", discountCode="")
    assert (page.invalid, page.fields["discountCode"]) == ([], "")
    await window.send("pay", **CARD)
    assert await orders(api) == [("COMPLETE", "130.90")]


async def test_without_a_field_for_codes_the_page_says_it_at_its_top(app: Starlette, api: Client) -> None:
    window = await discounted(app, api, discountsEnabled=False)
    for page in (window.form, await window.send("update", **BUYER)):
        assert page.invalid == []
        assert "The code LAUNCH takes nothing off. There is no such discount code." in page.text
        assert CHECK not in page.text
    await window.send("pay", **CARD)
    assert await orders(api) == [("COMPLETE", "130.90")]


async def test_a_plan_that_is_not_sold_there_any_more_says_so(app: Starlette, api: Client) -> None:
    await shop(api)
    id = await checkout.opened(api, defaultBillingCountry="DE")
    there = await api.request("PUT", "/catalog/plans/pro/countries/", json={"countries": ["US"]})
    assert there.status_code == 200
    window = await at(app, id)
    assert window.form.invalid == ["country"]
    assert "This plan is not sold in this country." in window.form.text


async def test_a_payment_that_failed_and_a_plan_that_went_are_both_told(app: Starlette, api: Client) -> None:
    await shop(api)
    window = await at(app, await checkout.opened(api))
    await window.pay(**BUYER, **{**CARD, "card_number": money.DECLINED_LATER})
    assert (await api.delete("/catalog/plans/pro/")).status_code == 204
    page = await window.open(window.path)
    assert "Nothing was charged. Nothing of this product is for sale. The payment was declined." in page.text
