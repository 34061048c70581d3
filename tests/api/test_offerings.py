"""What a product is offered as: localized, cacheable, and in one statement."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette

from kelviq_server.catalog.rates.actions.import_rates import import_rates
from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client, client_for
from tests.api.test_promotions import BRAZIL, GERMANY, INDIA, UNITED_STATES
from tests.make import Made
from tests.statements import counting


def seat_price(feature: str, amount: int) -> dict[str, Any]:
    """Return what each of at least two seats costs a month; a year costs ten months."""
    bounds = {"advanced": {"minQuantity": 2}}
    charges = (catalog.charge("MONTHLY", amount, **bounds), catalog.charge("YEARLY", amount * 10, **bounds))
    return catalog.entry(*charges, feature=feature)


@pytest.fixture
async def product(api: Client) -> str:
    """A product with a plan by the month and the year that costs less in rupees, and a free one."""
    product = (await catalog.product(api))["id"]
    await catalog.plan(api, "pro", product)
    seats = await catalog.feature(api, name="Seats", identifier="seats")
    await catalog.grant(api, "pro", (seats, {"value": 5, "hardLimit": True}))
    per_seat = seat_price(seats["id"], 7)
    dollars = catalog.price(catalog.entry(catalog.charge("MONTHLY", 19), catalog.charge("YEARLY", 190)), per_seat)
    rupees = catalog.price(
        catalog.entry(catalog.charge("MONTHLY", 499), catalog.charge("YEARLY", 4990)),
        seat_price(seats["id"], 99),
        currency="INR",
    )
    await catalog.set_prices(api, "pro", dollars, rupees)
    await catalog.publish(api, "pro")
    await catalog.plan(api, "free", product)
    await catalog.set_prices(api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(api, "free")
    return product


def path(product: str) -> str:
    return f"/monetization/product-offering/{product}/"


async def offered(api: Client, product: str, address: str | None = None, **query: str) -> dict[str, Any]:
    """Return what somebody at an address sees."""
    answer = await api.get(path(product), params=query | ({"ip_address": address} if address else {}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def prices(offering: dict[str, Any]) -> dict[str, tuple[str, list[Any]]]:
    """Return what each plan costs, in which currency."""
    return {
        plan["identifier"]: (
            plan["price"]["currency"], [each["priceData"]["amount"] for each in plan["price"]["charges"]]
        )
        for plan in offering["plans"]
    }  # fmt: skip


async def test_somebody_sees_the_price_of_where_they_are(api: Client, product: str) -> None:
    india = await offered(api, product, INDIA)
    assert prices(india) == {"pro": ("INR", [499, 4990]), "free": ("USD", [0])}
    assert [india[name] for name in ("countryCode", "pricingLocale", "currencyCode", "currencySymbol")] == [
        "IN", "en-IN", "INR", "₹",
    ]  # fmt: skip
    assert (india["baseCurrencyCode"], india["baseCurrencySymbol"]) == ("USD", "$")
    assert india["plans"][0]["originalPrice"] == {"MONTHLY": 19, "YEARLY": 190}
    assert india["currencyConversionRate"] == 96.085342
    germany = await offered(api, product, GERMANY)
    assert prices(germany) == {"pro": ("USD", [19, 190]), "free": ("USD", [0])}
    assert [germany[name] for name in ("countryCode", "pricingLocale", "currencyCode")] == ["DE", "de-DE", "EUR"]
    assert germany["currencyConversionRate"] == 0.88022588


async def test_nowhere_is_where_the_product_is_priced(api: Client, product: str) -> None:
    for address in (None, UNITED_STATES):
        seen = await offered(api, product, address)
        assert (seen["currencyCode"], seen["currencyConversionRate"], seen["pricingLocale"]) == ("USD", 1, "en-US")
    assert (await offered(api, product))["countryCode"] == ""


async def test_it_says_what_a_plan_grants_and_charges(api: Client, product: str) -> None:
    [pro, free] = (await offered(api, product, INDIA))["plans"]
    [seats] = pro["features"]
    assert (seats["identifier"], seats["displayName"], seats["value"], seats["hardLimit"]) == (
        "seats",
        "Seats",
        5,
        True,
    )
    charge = seats["charges"][0]
    assert (charge["chargePeriod"], charge["priceData"], charge["featureQuantityPrice"]) == (
        "MONTHLY", {"amount": 99}, 198,
    )  # fmt: skip
    assert [each["featureQuantityPrice"] for each in pro["price"]["charges"]] == [499, 4990]
    assert (free["originalPrice"], free["features"]) == ({"ONE_TIME": 0}, [])
    periods = (await offered(api, product))["billingPeriods"]
    assert [(each["chargePeriod"], each["displayName"]) for each in periods] == [
        ("ONE_TIME", "One Time"), ("MONTHLY", "Monthly"), ("YEARLY", "Yearly"),
    ]  # fmt: skip


async def test_it_takes_one_statement_whatever_is_asked(api: Client, product: str) -> None:
    async with counting() as ran:
        await offered(api, product, INDIA, customer_id="ada", plans_enabled="pro")
        assert len(ran) == 1, ran


async def test_whoever_has_it_already_is_not_sent_it_again(api: Client, product: str) -> None:
    first = await api.get(path(product))
    assert (first.headers["vary"], first.headers["cache-control"]) == ("Authorization", "private, no-cache")
    again = await api.get(path(product), headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await api.get(path(product), params={"ip_address": INDIA})).headers["etag"] != first.headers["etag"]
    await api.request("PUT", "/catalog/plans/free/countries/", json={"countries": ["US"]})
    await api.request("PUT", "/catalog/plans/pro/countries/", json={"countries": ["US"]})
    await api.patch("/catalog/plans/free/", {"name": "Gratis"})
    await catalog.publish(api, "free")
    assert (await api.get(path(product), headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_a_customer_sees_what_they_have(api: Client, product: str) -> None:
    nobody = await offered(api, product, customer_id="ada")
    assert (nobody["isCustomerExists"], nobody["subscription"]) == (False, {"hasPreviousSubscription": False})
    await money.customer(api)
    assert (await offered(api, product, customer_id="ada"))["isCustomerExists"] is True
    had = await subs.subscribed(api, features=[{"identifier": "seats", "quantity": 2}])
    assert (await offered(api, product, customer_id="ada"))["subscription"] == {
        "hasPreviousSubscription": True, "planIdentifier": "pro", "subscriptionId": had["id"],
        "chargePeriod": "MONTHLY",
    }  # fmt: skip
    await subs.cancelled(api, had)
    assert (await offered(api, product, customer_id="ada"))["subscription"] == {"hasPreviousSubscription": True}


async def test_plans_are_hidden_named_and_kept_where_they_are_sold(api: Client, product: str) -> None:
    assert list(prices(await offered(api, product, plans_enabled="free, nothing"))) == ["free"]
    sold = await api.request("PUT", "/catalog/plans/pro/countries/", json={"countries": ["de", "US", "DE"]})
    assert (sold.status_code, sold.json()["countries"]) == (200, ["DE", "US"])
    assert list(prices(await offered(api, product, BRAZIL))) == ["free"]
    for address in (GERMANY, None):
        assert list(prices(await offered(api, product, address))) == ["pro", "free"]
    everywhere = await api.request("PUT", "/catalog/plans/pro/countries/", json={"countries": []})
    assert everywhere.json()["countries"] == []
    assert list(prices(await offered(api, product, BRAZIL))) == ["pro", "free"]


async def test_a_browser_sees_it_with_the_client_key_and_cannot_say_where_it_is(
    app: Starlette, made: Made, product: str
) -> None:
    browser = client_for(app, made.keys.sandbox.client.plain)
    assert (await offered(browser, product, INDIA))["countryCode"] == ""


async def test_there_is_no_such_product(api: Client) -> None:
    for id in (str(uuid4()), "nothing"):
        answer = await api.get(path(id))
        assert (answer.status_code, answer.json()) == (
            404, {"status": "Not found", "message": "Product does not exist"},
        )  # fmt: skip


async def test_prices_are_shown_by_the_newest_rate_of_each_currency(api: Client, product: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    before = await offered(api, product, BRAZIL)
    assert (before["currencyCode"], before["currencyConversionRate"] > 1) == ("BRL", True)
    await import_rates({"date": today, "base": "EUR", "rates": {"USD": 2, "INR": 100, "nonsense": 3}})
    try:
        assert (await offered(api, product, GERMANY))["currencyConversionRate"] == 0.5
        assert (await offered(api, product, INDIA))["currencyConversionRate"] == 50
        assert await offered(api, product, BRAZIL) == before, "of an older day, where the newest says nothing"
    finally:
        await import_rates({"date": today, "usd": {"eur": 0.88022588, "inr": 96.08534228}})


async def test_a_customer_sees_the_currency_in_which_they_pay(api: Client, product: str) -> None:
    await money.customer(api)
    await subs.subscribed(api, features=[{"identifier": "seats", "quantity": 2}])
    seen = await offered(api, product, INDIA, customer_id="ada")
    assert (seen["currencyCode"], seen["currencyConversionRate"]) == ("USD", 1)
    assert prices(seen)["pro"] == ("USD", [19, 190])
    assert prices(await offered(api, product, INDIA))["pro"][0] == "INR"
