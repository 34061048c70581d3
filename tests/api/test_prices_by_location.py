"""Somebody buys at the price of where they are, by all that is known of it; else at the base price."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.api import buying, catalog, checkout, money
from tests.api import subscriptions as subs
from tests.api.buying import INDIAN
from tests.api.conftest import Client, client_for
from tests.api.test_promotions import GERMANY, INDIA
from tests.make import Made

IN = {**buying.BUYER, "country": "IN"}


@pytest.fixture(autouse=True)
async def plan(api: Client) -> None:
    """A plan that costs 20 dollars, or 499 rupees, a month or once; nothing is taxed."""
    await catalog.plan(api, "pro")
    for_all = [
        catalog.price(
            catalog.entry(*(catalog.charge(period, amount) for period in ("MONTHLY", "ONE_TIME"))), currency=currency,
            taxBehavior="INCLUSIVE",
        )
        for currency, amount in (("USD", 20), ("INR", 499))
    ]  # fmt: skip
    await catalog.set_prices(api, "pro", *for_all)
    await catalog.publish(api, "pro")


async def paid(api: Client) -> list[tuple[str, str]]:
    """Return what the orders came to."""
    return [(order["saleCurrency"], order["amountTotal"]) for order in await subs.orders(api)]


async def test_checkout_is_in_the_currency_of_the_address(app: Starlette, api: Client) -> None:
    window = await buying.at(app, await checkout.opened(api, ipAddress=INDIA))
    assert "₹499.00" in window.form.text
    await window.pay(**IN, **{**buying.CARD, "card_number": INDIAN})
    assert await paid(api) == [("INR", "499.00")]


async def test_a_billing_address_elsewhere_brings_the_standard_price(app: Starlette, api: Client) -> None:
    window = await buying.at(app, await checkout.opened(api, ipAddress=INDIA))
    page = await window.send("update", **{**buying.BUYER, "country": "DE"})
    assert "$20.00" in page.text
    await window.pay(**{**buying.BUYER, "country": "DE"}, **buying.CARD)
    assert await paid(api) == [("USD", "20.00")]


async def test_a_card_from_elsewhere_brings_the_standard_price_once_it_is_agreed_to(
    app: Starlette, api: Client
) -> None:
    window = await buying.at(app, await checkout.opened(api, ipAddress=INDIA))
    page = await window.pay(**IN, **buying.CARD)
    assert "Look at the new total and pay again." in page.text
    assert "$20.00" in page.text
    assert await paid(api) == []
    # Another card does not bring the other price back.
    await window.pay(**IN, **{**buying.CARD, "card_number": INDIAN})
    assert await paid(api) == [("USD", "20.00")]


async def test_a_visitor_cannot_say_where_they_are(app: Starlette, api: Client, made: Made) -> None:
    browser = client_for(app, made.keys.sandbox.client.plain)
    window = await buying.at(app, await checkout.opened(browser, ipAddress=INDIA))
    assert "$20.00" in window.form.text


async def test_what_a_visitor_asks_for_holds_where_they_are(app: Starlette, api: Client, made: Made) -> None:
    browser = client_for(app, made.keys.sandbox.client.plain)
    window = await buying.at(app, await checkout.opened(browser, currencyCode="INR"))
    assert "₹499.00" in window.form.text
    page = await window.send("update", **{**buying.BUYER, "country": "DE"})
    assert "$20.00" in page.text


async def test_what_a_merchant_asks_for_holds_wherever_somebody_is(app: Starlette, api: Client) -> None:
    window = await buying.at(app, await checkout.opened(api, currencyCode="INR", ipAddress=GERMANY))
    await window.pay(**{**buying.BUYER, "country": "DE"}, **buying.CARD)
    assert await paid(api) == [("INR", "499.00")]


@pytest.mark.parametrize(
    ("address", "country", "card", "expected"),
    [
        (INDIA, "IN", INDIAN, ("INR", "499.00")),
        (INDIA, None, INDIAN, ("INR", "499.00")),
        (INDIA, "DE", INDIAN, ("USD", "20.00")),
        (INDIA, "IN", money.VISA, ("USD", "20.00")),
        (GERMANY, "IN", INDIAN, ("USD", "20.00")),
        ("10.0.0.1", "IN", INDIAN, ("INR", "499.00")),
        (None, "IN", INDIAN, ("USD", "20.00")),
    ],
)
async def test_charges_and_subscriptions_are_in_the_currency_that_all_agree_on(
    api: Client, address: str | None, country: str | None, card: str, expected: tuple[str, str]
) -> None:
    where: dict[str, Any] = {} if address is None else {"ipAddress": address}
    place = None if country is None else {"country": country}
    for customer in ("ada", "bo"):
        await money.customer(api, card, customer_id=customer, billingAddress=place)
    await subs.subscribed(api, customer_id="ada", **where)
    await money.charged(api, "pro", "bo", **where)
    assert await paid(api) == [expected, expected]


async def test_whoever_has_paid_before_goes_on_in_that_currency(api: Client) -> None:
    await money.customer(api, INDIAN, billingAddress={"country": "IN"})
    await money.charged(api, "pro")
    await subs.subscribed(api, ipAddress=INDIA)
    assert await paid(api) == [("USD", "20.00"), ("USD", "20.00")]


async def test_another_plan_does_not_bring_a_price_from_elsewhere(app: Starlette, api: Client) -> None:
    product = (await api.get("/catalog/plans/pro/")).json()["product"]
    await subs.recurring(api, "local", product_id=product, currency="INR")
    window = await buying.at(app, await checkout.opened(api, "local", ipAddress=GERMANY))
    page = await window.send("update", **IN)
    assert set(page.choices["plan"]) == {"local", "pro"}
    for country in ("DE", "US"):
        page = await window.send("update", **{**buying.BUYER, "country": country}, plan="local")
        assert page.choices.get("plan", ["local"]) == ["local"], "at its base price, which is in rupees"
        page = await window.send("update", plan="pro")
        assert "$20.00" in page.text
    await window.pay(plan="pro", **{**buying.BUYER, "country": "DE"}, **buying.CARD)
    assert await paid(api) == [("USD", "20.00")]


async def test_a_code_for_an_amount_off_the_standard_price_brings_that(app: Starlette, api: Client) -> None:
    terms = {"name": "Five", "type": "FIXED_AMOUNT", "amount": 5}
    await catalog.made(api, "/discounts/", {**terms, "code": "FIVE", "currency": "USD"})
    await catalog.made(api, "/discounts/", {**terms, "code": "PAANCH", "currency": "INR"})
    window = await buying.at(app, await checkout.opened(api, ipAddress=INDIA, discountCode="FIVE"))
    assert "$15.00" in window.form.text
    window = await buying.at(app, await checkout.opened(api, ipAddress=INDIA, discountCode="PAANCH"))
    assert "₹494.00" in window.form.text
    for customer, code in (("ada", "FIVE"), ("bo", "PAANCH")):
        await money.customer(api, INDIAN, customer_id=customer, billingAddress={"country": "IN"})
        await money.charged(api, "pro", customer, ipAddress=INDIA, discountCode=code)
    assert await paid(api) == [("USD", "15.00"), ("INR", "494.00")]


async def test_an_amount_that_was_agreed_on_is_in_the_base_currency(api: Client) -> None:
    await catalog.plan(api, "deal")
    await catalog.set_prices(
        api, "deal", *({"priceType": "CUSTOM", "currency": currency} for currency in ("USD", "INR"))
    )
    await catalog.publish(api, "deal")
    await money.customer(api, INDIAN, billingAddress={"country": "IN"})
    await money.charged(api, "deal", customAmount=4900, ipAddress=INDIA)
    assert [currency for currency, _ in await paid(api)] == ["USD"]


async def test_a_session_says_in_which_currency_it_was_paid(app: Starlette, api: Client) -> None:
    id = await checkout.opened(api, ipAddress=INDIA)
    await (await buying.at(app, id)).pay(**{**buying.BUYER, "country": "DE"}, **buying.CARD)
    session = await checkout.shown(api, id)
    assert (session["currency"], session["order"]["saleCurrency"]) == ("USD", "USD")


async def test_a_code_of_a_link_waits_until_its_buyer_says_where_they_are(app: Starlette, api: Client) -> None:
    await catalog.made(
        api, "/discounts/", {"name": "F", "code": "FIVE", "type": "FIXED_AMOUNT", "amount": 5, "currency": "INR"}
    )
    id = await checkout.opened(api, ipAddress=INDIA, discountCode="FIVE", discountsEnabled=False)
    window = await buying.at(app, id)
    page = await window.send("update", **{**buying.BUYER, "country": "DE"})
    assert "$20.00" in page.text
    page = await window.send("update", **IN)
    assert "₹494.00" in page.text
    await window.pay(**{**buying.BUYER, "country": "DE"}, **buying.CARD)
    assert await paid(api) == [("USD", "20.00")]
    assert (await checkout.shown(api, id))["discountCode"] is None
