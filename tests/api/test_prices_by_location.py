"""Somebody buys at the price of where they are, by all that is known of it; else at the standard price."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.api import buying, catalog, checkout, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client, client_for
from tests.api.test_promotions import GERMANY, INDIA
from tests.make import Made

INDIAN = "4000003560000008"
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
