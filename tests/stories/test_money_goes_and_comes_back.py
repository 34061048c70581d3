"""A merchant sells once, some of it comes back, some of it never arrives; over HTTP alone, and the books balance."""

import pytest

from tests.api import money
from tests.api.conftest import Client
from tests.make import Made
from tests.webhooks import deliver

DECLINED = {"detail": "The payment was declined. Ask the customer for another payment method."}
AUTHENTICATION = {"detail": "The payment requires authentication. Use checkout so that the customer can complete it."}


async def told(api: Client) -> list[tuple[str, str]]:
    """Return what the log says happened to money, oldest first: the type, and the status of what it is about."""
    await deliver()
    events = (await api.get("/webhook/events/?page_size=100")).json()["results"]
    return [
        (event["type"], event["data"]["object"]["status"])
        for event in events
        if event["type"].partition(".")[0] in ("order", "invoice", "refund")
    ]


async def test_a_sale_comes_back_bit_by_bit_to_the_last_cent(api: Client, made: Made) -> None:
    # A German seller sells for 100.01 with the tax in it, to a consumer at home.
    await api.patch("/organization/", {"billingAddress": {"country": "DE"}})
    await money.once(api, amount=100.01, currency="EUR", taxBehavior="INCLUSIVE")
    await money.customer(api, billingAddress={"country": "DE"})
    charge = await money.charged(api)
    order = await money.order_of(api, charge)
    assert (order["amountTotalUnits"], order["amountTaxUnits"]) == (10_001, 1597)

    # It comes back in awkward parts; each takes its share of the tax with it, and together they take all.
    for units in (1, 3333, 3333, 2, 3331):
        refund = (await api.post("/refunds/", {"orderId": order["id"], "amountUnits": units})).json()
        assert (refund["status"], refund["order"]["status"]) == ("SUCCEEDED", "PARTIAL_REFUND")
    last = (await api.post("/refunds/", {"orderId": order["id"]})).json()
    assert (last["amountUnits"], last["order"]["status"], last["order"]["refundedTotalUnits"]) == (
        1,
        "REFUNDED",
        10_001,
    )
    notes = (await api.get(f"/invoices/{charge['invoiceId']}/")).json()["creditNotes"]
    assert [note["number"] for note in notes] == [1, 2, 3, 4, 5, 6]
    assert (sum(note["totalUnits"] for note in notes), sum(note["taxUnits"] for note in notes)) == (10_001, 1597)

    # Nothing is left anywhere, and everything stands in the log, in the order in which it happened.
    balances = (await api.get("/balances/")).json()["results"]
    assert {balance["amountUnits"] for balance in balances} == {0}
    assert (await api.get("/transaction/")).json()["count"] == 7
    happened = await told(api)
    assert happened[:4] == [
        ("order.created", "COMPLETE"), ("order.updated", "COMPLETE"), ("invoice.created", "OPEN"),
        ("invoice.paid", "PAID"),
    ]  # fmt: skip
    first = [("refund.created", "PROCESSING"), ("order.refunded", "PARTIAL_REFUND"),
             ("order.updated", "PARTIAL_REFUND"), ("refund.updated", "SUCCEEDED")]  # fmt: skip
    assert happened[4:8] == first
    later = [("refund.created", "PROCESSING"), ("order.refunded", "PARTIAL_REFUND"), ("refund.updated", "SUCCEEDED")]
    assert happened[8:20] == later * 4
    assert happened[20:] == [
        ("refund.created", "PROCESSING"), ("order.refunded", "REFUNDED"), ("order.updated", "REFUNDED"),
        ("refund.updated", "SUCCEEDED"),
    ]  # fmt: skip
    await money.books_balance(made)


async def test_a_card_that_fails_is_replaced_and_the_sale_made(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.DECLINED_LATER)
    assert await money.refused(api) == DECLINED
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    assert await money.refused(api) == AUTHENTICATION
    assert await told(api) == [], "what was not sold is not announced"

    # The third card is a good one.
    await money.only_card(api, "ada")
    charge = await money.charged(api)
    statuses = [order["status"] for order in (await api.get("/orders/")).json()["results"]]
    assert statuses == ["COMPLETE", "FAILED", "FAILED"]
    statuses = [each["status"] for each in (await api.get("/transaction/")).json()["results"]]
    assert statuses == ["success", "failure", "failure"]
    assert (await money.one(api, "/invoices/"))["id"] == charge["invoiceId"]
    assert [kind for kind, _ in await told(api)] == [
        "order.created",
        "order.updated",
        "invoice.created",
        "invoice.paid",
    ]
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("currency", "amount", "part", "texts"),
    [("JPY", 7001, 1, ("7001", "636", "7000")), ("KWD", 15.125, 0.001, ("15.125", "2.415", "15.124"))],
)
async def test_money_without_cents_and_with_three_decimals(
    api: Client, made: Made, currency: str, amount: float, part: float, texts: tuple[str, str, str]
) -> None:
    total, tax, rest = texts
    await money.once(api, amount=amount, currency=currency, taxBehavior="INCLUSIVE")
    await money.customer(api, billingAddress={"country": "JP" if currency == "JPY" else "DE"})
    order = await money.order_of(api, await money.charged(api))
    assert (order["amountTotal"], order["amountTax"], order["saleCurrency"]) == (total, tax, currency)
    refund = (await api.post("/refunds/", {"orderId": order["id"], "amount": part})).json()
    assert (refund["amount"], refund["amountUnits"]) == (part, 1)
    last = (await api.post("/refunds/", {"orderId": order["id"]})).json()
    assert str(last["amount"]) == rest
    assert last["order"]["status"] == "REFUNDED"
    await money.books_balance(made)


@pytest.mark.usefixtures("fees")
async def test_what_the_instance_keeps_grows_once_enough_was_sold(api: Client, made: Made) -> None:
    await money.once(api, amount=2450)
    await money.once(api, "small", amount=100)
    await money.customer(api)
    await money.customer(api, money.GERMAN, "foreign")

    # 2.9 % and 0.40 until 5,000 dollars were sold, which the third sale makes to the cent.
    for plan, customer, fee, rate in (
        ("lifetime", "ada", 71.45, "2.9"),
        ("small", "foreign", 4.8, "2.9"),
        ("lifetime", "ada", 71.45, "2.9"),
        ("small", "ada", 3.9, "3.5"),
        ("small", "foreign", 5.4, "3.5"),
    ):
        await money.charged(api, plan, customer)
        newest = (await api.get("/transaction/")).json()["results"][0]
        base = next(part for part in newest["morFeeBreakdown"] if part["name"] == "base_fee")
        assert (newest["morFee"], base["percentage"]) == (fee, rate)
        assert newest["netPayout"] == pytest.approx(newest["amountTotal"] - fee)

    # What goes back does not bring the fee back, nor the sales below the mark again.
    newest = (await api.get("/orders/")).json()["results"][0]
    await api.post("/refunds/", {"orderId": newest["id"]})
    await money.charged(api, "small")
    assert (await api.get("/transaction/")).json()["results"][0]["morFee"] == 3.9
    balances = {entry["account"]: entry["amountUnits"] for entry in (await api.get("/balances/")).json()["results"]}
    assert balances["fees"] == -(7145 + 480 + 7145 + 390 + 540 + 390)
    await money.books_balance(made)
