"""Charging an existing customer at once: what it comes to, and what is answered."""

from datetime import datetime
from typing import Any

import pytest

from tests import make
from tests.api import catalog, money
from tests.api.conftest import Client
from tests.make import Made


async def seats(api: Client, *charges: dict[str, Any], base: Any = None, **fields: Any) -> None:
    """Publish a plan `team` whose seats are bought by their number."""
    feature = await catalog.feature(api, name="Seats", identifier="seats")
    entries = [catalog.entry(*charges, feature=feature["id"], **fields)]
    if base is not None:
        entries.append(catalog.entry(catalog.charge("ONE_TIME", base)))
    await catalog.plan(api, "team")
    await catalog.set_prices(api, "team", catalog.price(*entries))
    await catalog.publish(api, "team")


async def test_a_charge_answers_as_published(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, datetime.fromisoformat("2026-06-20T23:59:59+00:00"))
    await money.once(api)
    await money.customer(api)
    charge = await money.charged(api)
    product = (await api.get("/catalog/products/")).json()["results"][0]
    assert charge == {
        "id": charge["id"], "startDate": "2026-06-20", "endDate": None, "billingPeriodStartTime": None,
        "billingPeriodEndTime": None, "amount": "49.00", "recurrence": "", "currency": "USD", "status": "active",
        "product": {name: product[name] for name in ("id", "name", "identifier")},
        "plan": {"name": "Lifetime", "identifier": "lifetime"}, "features": [], "trialDaysRemaining": 0,
        "customerId": "ada", "billingType": "ONE_TIME", "recurrenceUnit": None, "recurrenceType": None,
        "orderId": charge["orderId"], "invoiceId": charge["invoiceId"], "license": [],
    }  # fmt: skip
    assert charge["orderId"].startswith("ORD-20260620235959-")
    assert charge["invoiceId"].startswith("INV-20260620235959-")
    order = await money.order_of(api, charge)
    assert (order["status"], order["amountTotal"], order["chargeId"]) == ("COMPLETE", "49.00", charge["id"])
    await money.books_balance(made)


async def test_bodies_may_be_in_snake_case_and_null_says_nothing(api: Client) -> None:
    await money.once(api)
    await money.customer(api)
    body = {
        "plan_identifier": "lifetime", "charge_period": "ONE_TIME", "customer_id": "ada", "currency_code": "usd",
        "features": None, "custom_amount": None, "tax_behavior": None, "discount_code": None, "ip_address": None,
    }  # fmt: skip
    answer = await api.post("/charges/", body)
    assert (answer.status_code, answer.json()["currency"]) == (201, "USD")


async def test_a_quantity_is_charged_for_and_remembered(api: Client) -> None:
    bounds = {"minQuantity": 2, "maxQuantity": 100}
    await seats(api, catalog.charge("ONE_TIME", 0.125, advanced=bounds), base=20)
    await money.customer(api)
    charge = await money.charged(api, "team", features=[{"identifier": "seats", "quantity": 5}])
    assert (charge["amount"], charge["features"]) == ("20.63", [{"identifier": "seats", "quantity": 5}])
    fewest = await money.charged(api, "team")
    assert (fewest["amount"], fewest["features"]) == ("20.25", [{"identifier": "seats", "quantity": 2}])
    [seat, base] = (await api.get(f"/invoices/{charge['invoiceId']}/")).json()["lines"]
    shown = ("description", "quantity", "unitPrice", "amountUnits")
    assert [seat[name] for name in shown] == ["Team: Seats", 5, 0.125, 63]
    assert [base[name] for name in shown] == ["Team", 1, 20, 2000]


async def test_a_quantity_stays_within_its_bounds(api: Client, made: Made) -> None:
    await seats(api, catalog.charge("ONE_TIME", 5, advanced={"minQuantity": 2, "maxQuantity": 4}))
    await money.customer(api)
    for quantity, fault in (
        (1, "features[0].quantity: Ensure this value is greater than or equal to 2."),
        (5, "features[0].quantity: Ensure this value is less than or equal to 4."),
    ):
        assert await money.refused(api, "team", features=[{"identifier": "seats", "quantity": quantity}]) == {
            "features": [{"quantity": [fault]}]
        }
    assert (await money.charged(api, "team", features=[{"identifier": "seats", "quantity": 4}]))["amount"] == "20.00"
    twice = [{"identifier": "seats", "quantity": 2}] * 2
    assert await money.refused(api, "team", features=[*twice, {"identifier": "nothing", "quantity": 1}]) == {
        "features": [
            {},
            {"identifier": ["features[1].identifier: This feature appears more than once."]},
            {"identifier": ["features[2].identifier: The plan does not sell this feature by its quantity."]},
        ]
    }
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("model", "tiers", "amount"),
    [
        ("TIERED", ((10, 1, 0), ("inf", 0.5, 3)), "15.50"),
        ("VOLUME", ((10, 1, 0), ("inf", 0.5, 3)), "10.50"),
        ("STAIRSTEP", ((10, 0, 7), ("inf", 0, 99)), "99.00"),
    ],
)
async def test_tiers_say_what_a_quantity_costs(api: Client, model: str, tiers: Any, amount: str) -> None:
    await seats(api, catalog.tiered(*tiers, period="ONE_TIME"), priceModel=model)
    await money.customer(api)
    charge = await money.charged(api, "team", features=[{"identifier": "seats", "quantity": 15}])
    assert charge["amount"] == amount
    [line] = (await api.get(f"/invoices/{charge['invoiceId']}/")).json()["lines"]
    assert (line["quantity"], line["unitPrice"]) == (15, None)


async def test_packages_are_charged_whole(api: Client) -> None:
    entry = {"chargePeriod": "ONE_TIME", "priceData": {"amount": 3, "blockSize": 10}}
    await seats(api, entry, priceModel="PACKAGE")
    await money.customer(api)
    for quantity, amount in ((0, "0.00"), (10, "3.00"), (11, "6.00")):
        charge = await money.charged(api, "team", features=[{"identifier": "seats", "quantity": quantity}])
        assert charge["amount"] == amount


async def test_a_price_is_found_by_currency_and_stays_the_customers(api: Client) -> None:
    await catalog.plan(api, "lifetime")
    amounts = {"USD": 49, "EUR": 45, "JPY": 7000, "KWD": 15.125}
    prices = [
        catalog.price(catalog.entry(catalog.charge("ONE_TIME", amount)), currency=currency)
        for currency, amount in amounts.items()
    ]
    await catalog.set_prices(api, "lifetime", *prices)
    await catalog.publish(api, "lifetime")
    for currency, amount in (("USD", "49.00"), ("EUR", "45.00"), ("JPY", "7000"), ("KWD", "15.125")):
        await money.customer(api, customer_id=currency)
        charge = await money.charged(api, customer_id=currency, currencyCode=currency)
        assert (charge["amount"], charge["currency"]) == (amount, currency)
    assert (await money.charged(api, customer_id="JPY"))["currency"] == "JPY", "the customer's, where none is named"
    assert await money.refused(api, customer_id="JPY", currencyCode="USD") == {
        "currencyCode": ["The customer pays in JPY."]
    }
    await money.customer(api)
    assert await money.refused(api, currencyCode="GBP") == {"currencyCode": ["The plan has no price in GBP."]}
    assert (await money.charged(api))["currency"] == "USD", "the first price, where nothing decides"


async def test_an_amount_by_agreement(api: Client) -> None:
    await catalog.plan(api, "custom")
    await catalog.set_prices(api, "custom", {"priceType": "CUSTOM", "currency": "USD"})
    await catalog.publish(api, "custom")
    await money.once(api)
    await money.customer(api)
    charge = await money.charged(api, "custom", customAmount=1234.56, currencyCode="USD")
    assert charge["amount"] == "1234.56"
    faults: list[tuple[str, dict[str, Any], str]] = [
        ("custom", {}, "The plan is sold by agreement: say the amount."),
        ("custom", {"customAmount": 0.005}, "The currency has no coin that small."),
        ("lifetime", {"customAmount": 5}, "The plan has a price of its own."),
    ]
    for plan, fields, fault in faults:
        assert await money.refused(api, plan, **fields) == {"customAmount": [fault]}
    assert await money.refused(api, "custom", customAmount=10**12 + 1) == {
        "customAmount": ["Ensure this value is less than or equal to 1000000000000."]
    }


async def test_more_than_can_be_charged_is_refused(api: Client) -> None:
    await seats(api, catalog.charge("ONE_TIME", 1000))
    await money.customer(api)
    answer = await money.refused(api, "team", features=[{"identifier": "seats", "quantity": 2**63 - 1}])
    assert answer == {"detail": "What this comes to is more than can be charged."}


async def test_what_is_free_needs_no_card_and_moves_nothing(api: Client, made: Made) -> None:
    await catalog.plan(api, "free")
    await catalog.set_prices(api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(api, "free")
    await money.customer(api, None)
    charge = await money.charged(api, "free")
    assert charge["amount"] == "0.00"
    order = await money.order_of(api, charge)
    assert (order["status"], order["paymentMethod"]) == ("COMPLETE", None)
    assert (await api.get("/transaction/")).json()["count"] == 0
    assert (await api.get("/balances/")).json() == {"results": []}
    await money.books_balance(made)


async def test_what_is_free_does_not_decide_what_a_customer_pays_in(api: Client) -> None:
    await catalog.plan(api, "free")
    await catalog.set_prices(api, "free", {"priceType": "FREE", "currency": "USD"})
    await catalog.publish(api, "free")
    await money.once(api, currency="EUR")
    await money.customer(api)
    assert (await money.charged(api, "free"))["currency"] == "USD"
    assert (await money.charged(api))["currency"] == "EUR"
    assert await money.refused(api, currencyCode="USD") == {"currencyCode": ["The customer pays in EUR."]}


async def test_the_tax_is_in_the_price_or_on_top_as_the_request_says(api: Client) -> None:
    await money.once(api, amount=119, taxBehavior="INCLUSIVE")
    await money.customer(api, billingAddress={"country": "DE"})
    for fields, tax, total in (({}, "19.00", "119.00"), ({"taxBehavior": "EXCLUSIVE"}, "22.61", "141.61")):
        order = await money.order_of(api, await money.charged(api, **fields))
        assert (order["amountSubtotal"], order["amountTax"], order["amountTotal"]) == ("119.00", tax, total)


async def test_a_discount_is_taken_off_and_counted(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api)
    terms = {"name": "Launch", "type": "PERCENTAGE", "percentage": 10, "code": "LAUNCH", "redemptionLimit": 1}
    discount = await catalog.made(api, "/discounts/", terms)
    order = await money.order_of(api, await money.charged(api, discountCode=" launch "))
    assert (order["amountSubtotal"], order["amountDiscount"], order["amountTotal"]) == ("49.00", "4.90", "44.10")
    redemption = await money.one(api, f"/discounts/{discount['id']}/redemptions/")
    assert (redemption["orderId"], redemption["customerId"]) == (order["id"], "ada")
    for code, fault in (
        ("launch", "This discount code has been used as often as it can be."),
        ("nothing", "There is no such discount code."),
    ):
        assert await money.refused(api, discountCode=code) == {"discountCode": [fault]}
    await money.books_balance(made)


async def test_a_discount_of_everything_needs_no_card(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, None)
    await catalog.made(api, "/discounts/", {"name": "Gift", "type": "PERCENTAGE", "percentage": 100, "code": "GIFT"})
    charge = await money.charged(api, discountCode="GIFT")
    assert (charge["amount"], charge["status"]) == ("0.00", "active")
    await money.books_balance(made)
