"""Invoices: numbered without gaps, unchanged once issued, taken back by credit notes alone."""

from datetime import UTC, datetime
from typing import Any

from tests import make
from tests.api import money
from tests.api.conftest import Client
from tests.make import Made

INVOICES = "/invoices/"
AT = datetime(2026, 7, 29, 10, 30, tzinfo=UTC)
ADDRESS = {"country": "DE", "city": "Berlin"}
SELLER: dict[str, Any] = {
    "legalName": "Acme GmbH", "email": "billing@acme.example.com", "billingAddress": {"country": "DE"},
    "taxId": "DE136695976",
}  # fmt: skip


async def test_an_invoice_shows_its_lines_and_both_sides(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    await api.patch("/organization/", SELLER)
    await money.once(api, currency="EUR", taxBehavior="INCLUSIVE")
    await money.customer(api, email="ada@example.com", billingAddress=ADDRESS)
    charge = await money.charged(api)
    invoice = (await api.get(f"{INVOICES}{charge['invoiceId']}/")).json()
    line = {
        "description": "Lifetime", "quantity": 1, "unitPrice": 49, "periodStart": None, "periodEnd": None,
        "amountUnits": 4900, "discountUnits": 0, "netUnits": 4118, "taxUnits": 782, "totalUnits": 4900, "taxRate": 19,
        "taxName": "VAT", "isTaxInclusive": True, "isReverseCharge": False,
    }  # fmt: skip
    at = "2026-07-29T10:30:00.000000Z"
    assert invoice == {
        "id": charge["invoiceId"], "number": 1, "status": "PAID", "orderId": charge["orderId"], "currency": "EUR",
        "lines": [line], "amountSubtotal": "49.00", "amountDiscount": "0.00", "amountTax": "7.82",
        "amountTotal": "49.00", "amountCredit": "0.00", "amountDue": "49.00",
        "buyer": {"customerId": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "billingAddress": ADDRESS,
                  "taxId": None},
        "seller": {"name": made.organization.name, **SELLER},
        "creditNotes": [], "issuedOn": at, "paidAt": at,
    }  # fmt: skip
    assert await money.one(api, INVOICES) == invoice


async def test_an_invoice_stays_as_it_was_when_buyer_and_seller_change(api: Client, made: Made) -> None:
    await api.patch("/organization/", SELLER)
    await money.once(api)
    await money.customer(api, billingAddress={"country": "FR"}, taxId="FR40303265045")
    path = f"{INVOICES}{(await money.charged(api))['invoiceId']}/"
    before = (await api.get(path)).json()
    assert (before["buyer"]["taxId"], before["lines"][0]["isReverseCharge"]) == ("FR40303265045", True)
    await api.patch("/customers/ada/", {"name": "Countess", "billingAddress": ADDRESS})
    await api.patch("/organization/", {"legalName": "Other AG", "billingAddress": {"country": "CH"}, "taxId": None})
    assert (await api.get(path)).json() == before
    later = (await api.get(f"{INVOICES}{(await money.charged(api))['invoiceId']}/")).json()
    assert (later["number"], later["seller"]["legalName"], later["buyer"]["name"]) == (2, "Other AG", "Countess")
    assert (later["lines"][0]["isReverseCharge"], later["buyer"]["taxId"]) == (False, None)
    await money.books_balance(made)


async def test_a_refund_is_a_credit_note_with_its_share_of_the_tax(api: Client, made: Made) -> None:
    await money.once(api, currency="EUR", taxBehavior="INCLUSIVE")
    await money.customer(api, billingAddress=ADDRESS)
    charge = await money.charged(api)
    before = (await api.get(f"{INVOICES}{charge['invoiceId']}/")).json()
    refunds = [
        (await api.post("/refunds/", {"orderId": charge["orderId"], **fields})).json()["id"]
        for fields in ({"amount": 10}, {"amount": 10}, {})
    ]
    invoice = (await api.get(f"{INVOICES}{charge['invoiceId']}/")).json()
    notes = invoice["creditNotes"]
    assert [(note["number"], note["refundId"], note["totalUnits"], note["taxUnits"]) for note in notes] == [
        (1, refunds[0], 1000, 160), (2, refunds[1], 1000, 159), (3, refunds[2], 2900, 463),
    ]  # fmt: skip
    assert all(note["netUnits"] + note["taxUnits"] == note["totalUnits"] for note in notes)
    assert all(note["id"].startswith("CN-") for note in notes)
    assert {**invoice, "creditNotes": []} == before
    await money.books_balance(made)


async def test_what_is_not_paid_takes_no_number_and_is_not_found(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.ANSWERS_LATE)
    await money.customer(api, money.DECLINED_LATER, "bob")
    await money.refused(api)
    await money.refused(api, customer_id="bob")
    [failed] = (await api.get("/orders/")).json()["results"]
    assert failed["invoiceId"] is None
    assert (await api.get(INVOICES)).json()["count"] == 0
    await money.customer(api, customer_id="eve")
    paid = await money.charged(api, customer_id="eve")
    assert (await money.one(api, INVOICES))["number"] == 1
    assert (await money.one(api, f"{INVOICES}?order_id={paid['orderId']}"))["orderId"] == paid["orderId"]
    for query in (f"?order_id={failed['id']}", "?order_id=x", "?order_id="):
        assert (await api.get(INVOICES + query)).json()["results"] == []
    # A draft's id is near the order's own: nobody can look for one.
    for id in (failed["id"].replace("ORD", "INV"), "INV-20260729103000-AB3K9", "x"):
        answer = await api.get(f"{INVOICES}{id}/")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    await money.books_balance(made)


async def test_the_highest_number_is_listed_first(api: Client) -> None:
    await money.once(api)
    await money.customer(api)
    for _ in range(3):
        await money.charged(api)
    pages = [(await api.get(f"{INVOICES}?page_size=2&page={page}")).json() for page in (1, 2)]
    assert [[invoice["number"] for invoice in page["results"]] for page in pages] == [[3, 2], [1]]
    past = await api.get(f"{INVOICES}?page_size=2&page=3")
    assert (past.status_code, past.json()) == (404, {"detail": "Invalid page."})
