"""Transactions: every attempt to move money, what it cost, and when it is the merchant's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import make
from tests.api import money
from tests.api.conftest import Client
from tests.make import Made

TRANSACTIONS = "/transaction/"
AT = datetime(2026, 7, 28, 10, 30, tzinfo=UTC)


async def listed(api: Client, query: str = "") -> list[dict[str, Any]]:
    answer = await api.get(TRANSACTIONS + query)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def test_a_transaction_shows_all_that_moved(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    await money.once(api, taxBehavior="EXCLUSIVE")
    await money.customer(api, billingAddress={"country": "DE"})
    charge = await money.charged(api)
    transaction = await money.one(api, TRANSACTIONS)
    assert transaction == {
        "id": transaction["id"], "order": await money.order_of(api, charge),
        "createdOn": "2026-07-28T10:30:00.000000Z", "currency": "USD", "currencySymbol": "$", "amountTotal": 58.31,
        "morFee": 0, "morFeeBreakdown": [], "collectedTax": 9.31, "netPayout": 49, "status": "success",
        "transactionType": "CHARGE", "paymentMethodType": "card", "availableOn": "2026-08-04", "isSettled": False,
        "paymentMethodName": "visa", "last4": "4242",
    }  # fmt: skip
    await api.post("/refunds/", {"orderId": charge["orderId"]})
    [back, _] = await listed(api)
    assert [back[name] for name in ("transactionType", "amountTotal", "collectedTax", "netPayout", "morFee")] == [
        "REFUND", -58.31, -9.31, -49, 0,
    ]  # fmt: skip
    assert back["order"]["status"] == "REFUNDED"
    await money.books_balance(made)


@pytest.mark.usefixtures("fees")
async def test_a_fee_is_shown_by_its_parts(api: Client, made: Made) -> None:
    await money.once(api, amount=100)
    await money.customer(api, money.GERMAN)
    await money.charged(api)
    transaction = await money.one(api, TRANSACTIONS)
    assert (transaction["morFee"], transaction["netPayout"]) == (4.8, 95.2)
    assert transaction["morFeeBreakdown"] == [
        {"name": "fixed_fee", "percentage": None, "valueUnits": 40, "currency": "USD"},
        {"name": "base_fee", "percentage": "2.9", "valueUnits": 290, "currency": "USD"},
        {"name": "international_fee", "percentage": "1.5", "valueUnits": 150, "currency": "USD"},
    ]
    await money.books_balance(made)


@pytest.mark.usefixtures("fees")
async def test_a_refund_gives_no_fee_back_and_a_failure_bears_none(api: Client, made: Made) -> None:
    await money.once(api, amount=100)
    await money.customer(api)
    await api.post("/refunds/", {"orderId": (await money.charged(api))["orderId"]})
    await money.customer(api, money.DECLINED_LATER, "bob")
    await money.refused(api, customer_id="bob")
    names = ("status", "amountTotal", "morFee", "netPayout")
    assert [tuple(each[name] for name in names) for each in await listed(api)] == [
        ("failure", 100, 0, 0),
        ("success", -100, 0, -100),
        ("success", 100, 3.3, 96.7),
    ]
    entries = (await api.get("/balances/")).json()["results"]
    balances = {entry["account"]: entry["amountUnits"] for entry in entries}
    assert balances == {"fees": -330, "gateway": 0, "merchant": 330}
    await money.books_balance(made)


async def test_money_is_settled_once_its_day_has_come(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    await money.once(api)
    await money.customer(api)
    await money.charged(api)
    for after, is_settled in ((timedelta(days=6, hours=13), False), (timedelta(days=6, hours=14), True)):
        await make.freeze_clock(made.sandbox, AT + after)
        transaction = await money.one(api, TRANSACTIONS)
        assert (transaction["availableOn"], transaction["isSettled"]) == ("2026-08-04", is_settled)


async def test_filters_narrow_and_add_up(api: Client, made: Made) -> None:
    await money.once(api)
    ids: dict[str, str] = {}
    orders: dict[str, str] = {}
    for number, (name, card) in enumerate(
        (("ada", money.VISA), ("bob", "5555 5555 5555 4444"), ("eve", money.DECLINED_LATER))
    ):
        await make.freeze_clock(made.sandbox, AT + timedelta(days=number))
        await money.customer(api, card, name, name=f"{name.title()} Smith", email=f"{name}@example.com")
        await api.post("/charges/", money.body(customer_id=name))
        [newest, *_] = await listed(api)
        ids[name], orders[name] = newest["id"], newest["order"]["id"]
    for query, found in (
        ("", ["eve", "bob", "ada"]),
        ("?status=success", ["bob", "ada"]),
        ("?status=failure", ["eve"]),
        ("?status=pending", []),
        ("?search=smith", ["eve", "bob", "ada"]),
        ("?search=MASTERCARD", ["bob"]),
        ("?search=card visa", ["eve", "ada"]),
        ("?search=Suite", ["eve", "bob", "ada"]),
        (f"?search={orders['ada'].lower()}", ["ada"]),
        ("?search=bob@example.com", ["bob"]),
        ("?search=pay_", ["eve", "bob", "ada"]),
        ("?search=smith&status=success&start_date=2026-07-29", ["bob"]),
        ("?start_date=2026-07-29", ["eve", "bob"]),
        ("?end_date=2026-07-29", ["bob", "ada"]),
        ("?page_size=2&page=2", ["ada"]),
    ):
        assert [each["id"] for each in await listed(api, query)] == [ids[name] for name in found], query
    past = await api.get(TRANSACTIONS + "?page=2")
    assert (past.status_code, past.json()) == (404, {"detail": "Invalid page."})
    for query, faults in (
        ("?status=done", {"status": ['"done" is not a valid choice.']}),
        ("?start_date=x", {"start_date": ["Enter a valid date."]}),
        ("?end_date=2026-02-29", {"end_date": ["Enter a valid date."]}),
    ):
        answer = await api.get(TRANSACTIONS + query)
        assert (answer.status_code, answer.json()) == (400, faults)
