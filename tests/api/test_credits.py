"""Credit that customers have: granted, used before anything is charged, and given back when a payment fails."""

import asyncio
from typing import Any

from tests import make
from tests.api import catalog, money
from tests.api.conftest import Client
from tests.make import Made

CREDITS = "/credits/"


async def grant(api: Client, units: int, customer_id: str = "ada", currency: str = "USD") -> dict[str, Any]:
    body = {"customerId": customer_id, "currencyCode": currency, "amountUnits": units, "note": "Sorry."}
    return await catalog.made(api, CREDITS, body)


async def credit(api: Client, customer_id: str = "ada") -> dict[str, int]:
    """Return a customer's credit by currency."""
    entries = (await api.get(CREDITS, params={"customer_id": customer_id})).json()["results"]
    return {entry["currency"]: entry["amountUnits"] for entry in entries}


async def balances(api: Client) -> dict[str, int]:
    """Return what the accounts come to in US dollars, but for those that come to nothing."""
    entries = (await api.get("/balances/")).json()["results"]
    assert sum(entry["amountUnits"] for entry in entries) == 0
    return {entry["account"]: entry["amountUnits"] for entry in entries if entry["amountUnits"]}


async def test_credit_is_granted_and_taken_away_by_currency(api: Client, made: Made) -> None:
    await money.customer(api, None)
    assert await credit(api) == {}
    assert await grant(api, 1000) == {"customerId": "ada", "currency": "USD", "amount": "10.00", "amountUnits": 1000}
    assert (await grant(api, -400))["amount"] == "6.00"
    assert (await grant(api, 500, currency="jpy"))["amount"] == "500"
    assert await credit(api) == {"JPY": 500, "USD": 600}
    body = {"customerId": "ada", "currencyCode": "USD", "amountUnits": -601}
    answer = await api.post(CREDITS, body)
    assert (answer.status_code, answer.json()) == (400, {"amountUnits": ["The customer does not have so much credit."]})
    assert (await grant(api, -600))["amountUnits"] == 0
    assert await credit(api) == {"JPY": 500, "USD": 0}
    await money.books_balance(made)


async def test_credit_pays_a_part_of_an_order(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api)
    await grant(api, 900)
    order = await money.order_of(api, await money.charged(api))
    assert (order["amountTotal"], order["amountCredit"], order["amountCreditUnits"]) == ("49.00", "9.00", 900)
    invoice = await money.one(api, "/invoices/")
    assert [invoice[name] for name in ("amountTotal", "amountCredit", "amountDue")] == ["49.00", "9.00", "40.00"]
    assert (await money.one(api, "/transaction/"))["amountTotal"] == 40
    assert await credit(api) == {"USD": 0}
    # The merchant granted 9 of the 49 that are owed to him.
    assert await balances(api) == {"gateway": 4000, "merchant": -4000}
    refund = await api.post("/refunds/", {"orderId": order["id"], "amount": 40.01})
    assert refund.json() == {"error": "Amount exceeds what is left to be refunded: 40.00 USD."}
    assert (await api.post("/refunds/", {"orderId": order["id"]})).json()["amount"] == 40
    assert await balances(api) == {}
    await money.books_balance(made)


async def test_credit_pays_a_whole_order_and_needs_no_card(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, None)
    await grant(api, 10_000)
    charge = await money.charged(api)
    assert (charge["amount"], charge["status"]) == ("49.00", "active")
    order = await money.order_of(api, charge)
    assert (order["status"], order["amountCredit"], order["paymentMethod"]) == ("COMPLETE", "49.00", None)
    assert await credit(api) == {"USD": 5100}
    assert (await api.get("/transaction/")).json()["count"] == 0
    refund = await api.post("/refunds/", {"orderId": order["id"]})
    assert (refund.status_code, refund.json()) == (400, {"error": "Nothing of this order is left to be refunded."})
    await money.books_balance(made)


async def test_credit_in_another_currency_pays_nothing(api: Client) -> None:
    await money.once(api)
    await money.customer(api)
    await grant(api, 5000, currency="EUR")
    assert (await money.order_of(api, await money.charged(api)))["amountCreditUnits"] == 0
    assert await credit(api) == {"EUR": 5000}


async def test_credit_comes_back_when_the_rest_is_not_paid(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.DECLINED_LATER)
    await grant(api, 900)
    await money.refused(api)
    assert await credit(api) == {"USD": 900}
    assert (await money.one(api, "/orders/"))["amountCreditUnits"] == 900
    await money.books_balance(made)


async def test_credit_for_a_payment_on_its_way_is_set_aside(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.ANSWERS_LATE)
    await grant(api, 900)
    await money.refused(api)
    assert await credit(api) == {"USD": 0}
    assert await balances(api) == {"held_credit": -900, "merchant": 900}
    await money.books_balance(made)


async def test_credit_is_spent_once_however_many_buy_at_once(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api)
    await grant(api, 4900)
    await asyncio.gather(*(money.charged(api) for _ in range(4)))
    orders = (await api.get("/orders/")).json()["results"]
    assert sorted(order["amountCreditUnits"] for order in orders) == [0, 0, 0, 4900]
    assert await credit(api) == {"USD": 0}
    await money.books_balance(made)


async def test_input_that_is_wrong_is_named_field_by_field(api: Client) -> None:
    required = ["This field is required."]
    empty = await api.post(CREDITS, {})
    assert (empty.status_code, empty.json()) == (
        400, {"customerId": required, "currencyCode": required, "amountUnits": required}
    )  # fmt: skip
    for units, fault in (
        (0, "Ensure this value is not 0."),
        (1.5, "A valid integer is required."),
        (10**15 + 1, "Ensure this value is less than or equal to 1000000000000000."),
    ):
        answer = await api.post(CREDITS, {"customer_id": "ada/", "currency_code": "X", "amount_units": units})
        assert (answer.status_code, answer.json()) == (
            400,
            {
                "customerId": ["Slashes are not allowed."],
                "currencyCode": ['"X" is not a valid choice.'],
                "amountUnits": [fault],
            },
        )
    unknown = await api.post(CREDITS, {"customerId": "nobody", "currencyCode": "USD", "amountUnits": 1})
    assert (unknown.status_code, unknown.json()) == (400, {"detail": "Customer does not exist."})


async def test_nobodys_credit_is_not_found(api: Client) -> None:
    stranger = await make.customer((await make.organization()).sandbox)
    for query in ("", "?customer_id=", "?customer_id=nobody", f"?customer_id={stranger.external_id}"):
        answer = await api.get(CREDITS + query)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
