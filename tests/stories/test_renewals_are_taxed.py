"""Renewals are taxed by where the customer is when they come round, and by what the tax is on that day."""

from typing import Any

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, HALF, MAY, JUNE, JULY = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01", "07-01"))
GERMANY, FRANCE = {"country": "DE"}, {"country": "FR"}
GERMAN_ID, FRENCH_ID, INDIAN_ID = "DE136695976", "FR40303265045", "27AAPFU0939F1ZV"
INDIA, CALIFORNIA = {"country": "IN", "state": "Karnataka"}, {"country": "US", "state": "CA"}


async def taxes(api: Client) -> list[tuple[str, str, str, float]]:
    """Return of each invoice its net, its tax and its total, and the rate of its first line."""
    found: list[tuple[str, str, str, float]] = []
    for invoice in await subs.invoices(api):
        net = sum(line["netUnits"] for line in invoice["lines"])
        rate = invoice["lines"][0]["taxRate"]
        found.append((f"{net / 100:.2f}", invoice["amountTax"], invoice["amountTotal"], rate))
    return found


async def owed_to_the_state(api: Client) -> int:
    """Return the tax that stands in the books, in minor units."""
    balances = (await api.get("/balances/")).json()["results"]
    return -next((each["amountUnits"] for each in balances if each["account"] == "tax"), 0)


@pytest.mark.parametrize(
    ("seller", "buyer", "price", "bill", "is_reverse_charge"),
    [
        # GST on top of the price, and in it.
        (INDIA, {"billingAddress": INDIA}, (999, "INR", "EXCLUSIVE"), ("999.00", "179.82", "1178.82", 18), False),
        (INDIA, {"billingAddress": INDIA}, (999, "INR", "INCLUSIVE"), ("846.61", "152.39", "999.00", 18), False),
        (INDIA, {"billingAddress": INDIA, "taxId": INDIAN_ID}, (999, "INR", "INCLUSIVE"),
         ("846.61", "152.39", "999.00", 18), False),
        # Sales tax of the state of the buyer.
        (CALIFORNIA, {"billingAddress": CALIFORNIA}, (49, "USD", "EXCLUSIVE"), ("49.00", "3.55", "52.55", 7.25), False),
        # VAT: for consumers, for a business at home, and for one abroad, which accounts for it.
        (GERMANY, {"billingAddress": GERMANY}, (119, "EUR", "INCLUSIVE"), ("100.00", "19.00", "119.00", 19), False),
        (GERMANY, {"billingAddress": GERMANY, "taxId": GERMAN_ID}, (100, "EUR", "EXCLUSIVE"),
         ("100.00", "19.00", "119.00", 19), False),
        (FRANCE, {"billingAddress": GERMANY, "taxId": GERMAN_ID}, (100, "EUR", "EXCLUSIVE"),
         ("100.00", "0.00", "100.00", 0), True),
    ],
)  # fmt: skip
async def test_each_month_is_taxed_alike(
    api: Client, made: Made, seller: dict[str, Any], buyer: dict[str, Any], price: tuple[float, str, str],
    bill: tuple[str, str, str, float], is_reverse_charge: bool,
) -> None:  # fmt: skip
    amount, currency, behavior = price
    await subs.freeze(api, APRIL)
    await api.patch("/organization/", {"billingAddress": seller})
    await subs.recurring(api, amount=amount, currency=currency, taxBehavior=behavior)
    await money.customer(api, **buyer)
    created = await subs.subscribed(api)
    assert created["amount"] == f"{amount:.2f}", "before taxes"
    await subs.advance(api, JUNE)
    assert await taxes(api) == [bill] * 3
    lines = [line for invoice in await subs.invoices(api) for line in invoice["lines"]]
    assert {line["isReverseCharge"] for line in lines} == {is_reverse_charge}
    assert await owed_to_the_state(api) == 3 * round(float(bill[1]) * 100)
    assert [order["amountTax"] for order in await subs.orders(api)] == [bill[1]] * 3
    await money.books_balance(made)


async def test_a_customer_moves_and_becomes_a_business(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await api.patch("/organization/", {"billingAddress": GERMANY})
    await subs.recurring(api, amount=100, currency="EUR")
    await money.customer(api, billingAddress=GERMANY)
    await subs.subscribed(api)
    # What was invoiced stays; the next month is taxed where they are then.
    await api.patch("/customers/ada/", {"billingAddress": FRANCE})
    await subs.advance(api, MAY)
    await api.patch("/customers/ada/", {"taxId": FRENCH_ID})
    await subs.advance(api, JUNE)
    await api.patch("/customers/ada/", {"billingAddress": {"country": "HK"}, "taxId": None})
    await subs.advance(api, JULY)
    assert await taxes(api) == [
        ("100.00", "19.00", "119.00", 19),
        ("100.00", "20.00", "120.00", 20),
        ("100.00", "0.00", "100.00", 0),
        ("100.00", "0.00", "100.00", 0),
    ]
    found = await subs.invoices(api)
    assert [each["lines"][0]["isReverseCharge"] for each in found] == [False, False, True, False]
    assert [each["buyer"]["billingAddress"]["country"] for each in found] == ["DE", "FR", "FR", "HK"]
    assert [order["billingAddress"]["country"] for order in await subs.orders(api)] == ["DE", "FR", "FR", "HK"]
    assert await owed_to_the_state(api) == 3_900
    await money.books_balance(made)


async def test_what_was_taxed_is_given_back_with_that_tax(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await api.patch("/organization/", {"billingAddress": GERMANY})
    await subs.recurring(api, amount=100, currency="EUR")
    await subs.recurring(api, "team", 200, currency="EUR")
    await money.customer(api, billingAddress=GERMANY)
    pro = await subs.subscribed(api)
    await api.patch("/customers/ada/", {"billingAddress": FRANCE})
    await subs.advance(api, HALF)
    team = await subs.updated(api, pro, "team")
    # 50.00 with the German tax on it, 100.00 with the French one.
    assert [line["amountUnits"] for line in team["preview"]["immediateLineItems"]] == [-5_950, 12_000]
    await subs.foretold(api, team)
    assert await subs.paid(api) == [11_900, 6_050, 24_000]
    assert await owed_to_the_state(api) == 1_900 + (2_000 - 950) + 4_000
    await money.books_balance(made)


async def test_a_downgrade_gives_the_tax_back_as_credit_and_credit_is_no_discount(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, amount=100, currency="EUR", taxBehavior="INCLUSIVE")
    await subs.recurring(api, "team", 200, currency="EUR", taxBehavior="INCLUSIVE")
    await money.customer(api, billingAddress=GERMANY)
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    pro = await subs.updated(api, team)
    assert await subs.credit(api) == 5_000
    # The next month's tax is on its whole price, of which credit pays a part.
    invoice = await subs.foretold(api, pro)
    assert (invoice["amountTax"], invoice["amountTotal"], invoice["amountDue"]) == ("15.97", "100.00", "50.00")
    # 31.93 less the tax in half of 200.00, which is 15.97, plus that in half of 100.00, and then May's.
    assert await owed_to_the_state(api) == 3_193 - 1_597 + 798 + 1_597
    await money.books_balance(made)


async def test_a_rate_of_a_later_day_is_for_later_renewals(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await api.patch("/organization/", {"billingAddress": CALIFORNIA})
    await subs.recurring(api, taxBehavior="EXCLUSIVE")
    await money.customer(api, billingAddress=CALIFORNIA)
    await subs.subscribed(api)
    await subs.advance(api, MAY)
    own = {"country": "US", "state": "CA", "taxCode": "saas", "ratePercent": 9.875, "name": "Sales tax"}
    assert (await api.post("/tax/rates/", {**own, "validFrom": "2031-05-15"})).status_code == 201
    await subs.advance(api, JUNE)
    # Somebody moves to a state without any, and back.
    await api.patch("/customers/ada/", {"billingAddress": {"country": "US", "state": "OR"}})
    await subs.advance(api, JULY)
    await api.patch("/customers/ada/", {"billingAddress": {"country": "US", "state": "California"}})
    await subs.advance(api, "2031-08-01T00:00:00Z")
    assert [(tax, total) for _, tax, total, _ in await taxes(api)] == [
        ("7.25", "107.25"), ("7.25", "107.25"), ("9.88", "109.88"), ("0.00", "100.00"), ("9.88", "109.88"),
    ]  # fmt: skip
    await money.books_balance(made)
