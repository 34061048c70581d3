"""A plan that is restricted to countries is bought from there alone; who has it keeps it."""

from starlette.applications import Starlette

from tests.api import buying, catalog, checkout, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.api.test_promotions import GERMANY, UNITED_STATES

REFUSED = {"planIdentifier": ["This plan is not sold in the customer's country."]}


async def restrict(api: Client, *countries: str) -> None:
    answer = await api.request("PUT", "/catalog/plans/pro/countries/", json={"countries": countries})
    assert answer.status_code == 200, answer.text


async def test_it_is_bought_where_it_is_sold(api: Client) -> None:
    await subs.recurring(api, periods=("MONTHLY", "ONE_TIME"))
    await restrict(api, "DE")
    for customer, address in (("de", {"country": "DE"}), ("fr", {"country": "FR"}), ("nowhere", None)):
        await money.customer(api, customer_id=customer, billingAddress=address)
    # Their card is from the United States.
    for customer, where in (("fr", {}), ("nowhere", {}), ("nowhere", {"ipAddress": UNITED_STATES})):
        for path, body in (
            ("/subscriptions/create/", subs.body(customer_id=customer)), ("/charges/", money.body("pro", customer)),
        ):  # fmt: skip
            answer = await api.post(path, {**body, **where})
            assert (answer.status_code, answer.json()) == (400, REFUSED)
    for customer, where in (("de", {"ipAddress": UNITED_STATES}), ("nowhere", {"ipAddress": GERMANY})):
        await subs.subscribed(api, customer_id=customer, **where)
        await money.charged(api, "pro", customer, **where)


async def test_who_has_it_keeps_it(api: Client) -> None:
    await subs.freeze(api)
    await subs.recurring(api)
    await money.customer(api, billingAddress={"country": "FR"})
    had = await subs.subscribed(api)
    await restrict(api, "DE")
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert (await subs.shown(api, had))["status"] == "active"
    assert len(await subs.paid(api)) == 2


async def test_nobody_changes_to_it_from_elsewhere(api: Client) -> None:
    product = (await catalog.product(api))["id"]
    await subs.recurring(api, "small", 10, product_id=product)
    await subs.recurring(api, product_id=product)
    await restrict(api, "DE")
    await money.customer(api, billingAddress={"country": "FR"})
    assert await subs.refused_update(api, await subs.subscribed(api, "small"), "pro") == REFUSED
    # Of whom nobody knows where they are, the address of their connection says it.
    await money.customer(api, customer_id="bob")
    small = await subs.subscribed(api, "small", customer_id="bob")
    assert await subs.refused_update(api, small, "pro", ipAddress=UNITED_STATES) == REFUSED
    await subs.updated(api, small, "pro", ipAddress=GERMANY)


async def test_checkout_says_so_as_soon_as_the_country_is_known(app: Starlette, api: Client) -> None:
    await subs.recurring(api)
    await restrict(api, "DE")
    window = await buying.at(app, await checkout.opened(api))
    page = await window.send("update", **{**buying.BUYER, "country": "FR"})
    assert "This plan is not sold in this country." in page.text
    await money.customer(api, billingAddress={"country": "FR"})
    assert await checkout.refused(api, customerId="ada") == REFUSED


async def test_checkout_shows_other_plans_only_where_they_are_sold(app: Starlette, api: Client) -> None:
    product = (await catalog.product(api))["id"]
    for plan in ("pro", "plain"):
        await subs.recurring(api, plan, product_id=product)
    await restrict(api, "DE")
    window = await buying.at(app, await checkout.opened(api, "plain"))
    assert set(window.form.choices["plan"]) == {"pro", "plain"}
    page = await window.send("update", **{**buying.BUYER, "country": "FR"})
    assert page.choices.get("plan", ["plain"]) == ["plain"]


async def test_countries_are_those_of_iso(api: Client) -> None:
    await subs.recurring(api)
    answer = await api.request("PUT", "/catalog/plans/pro/countries/", json={"countries": ["DE", "XX"]})
    assert (answer.status_code, list(answer.json())) == (400, ["countries"])
    assert (await api.request("PUT", "/catalog/plans/none/countries/", json={"countries": []})).status_code == 404
