"""One price, sold to the whole world: what the tax is depends on who buys, and where the seller is."""

from typing import Any

from tests.api import money
from tests.api.conftest import Client
from tests.make import Made

# A German seller's buyers, and what each of them pays for 119.00 with the tax in it: net, tax, and what is due.
FRENCH_ID, GERMAN_ID = "FR40303265045", "DE136695976"


async def bought(api: Client, name: str, address: dict[str, Any] | None, **fields: Any) -> tuple[str, str, bool]:
    """Let somebody buy; return the tax, the total, and whether the buyer accounts for the tax."""
    charge_fields = {"taxBehavior": fields.pop("taxBehavior")} if "taxBehavior" in fields else {}
    await money.customer(api, customer_id=name, **({"billingAddress": address} if address else {}), **fields)
    charge = await money.charged(api, customer_id=name, **charge_fields)
    invoice = (await api.get(f"/invoices/{charge['invoiceId']}/")).json()
    assert charge["amount"] == invoice["amountTotal"]
    [line] = invoice["lines"]
    assert line["netUnits"] + line["taxUnits"] == line["totalUnits"]
    on_top = 0 if line["isTaxInclusive"] else line["taxUnits"]
    assert line["amountUnits"] - line["discountUnits"] + on_top == line["totalUnits"]
    order = await money.order_of(api, charge)
    subtotal, discount, total = (order[f"amount{name}Units"] for name in ("Subtotal", "Discount", "Total"))
    assert subtotal - discount + on_top == total == line["totalUnits"]
    assert (line["taxRate"] == 0) or not line["isReverseCharge"]
    return invoice["amountTax"], invoice["amountTotal"], line["isReverseCharge"]


async def test_a_german_seller_sells_to_everybody(api: Client, made: Made) -> None:
    await api.patch("/organization/", {"billingAddress": {"country": "DE"}, "taxId": GERMAN_ID})
    await money.once(api, amount=119, currency="EUR", taxBehavior="INCLUSIVE")

    # Consumers pay what is written; the tax in it is that of their country, and none where none is known.
    assert await bought(api, "german", {"country": "DE"}) == ("19.00", "119.00", False)
    assert await bought(api, "french", {"country": "FR"}) == ("19.83", "119.00", False)
    assert await bought(api, "nowhere", None) == ("0.00", "119.00", False)
    # On top, where the request says so.
    assert await bought(api, "on-top", {"country": "DE"}, taxBehavior="EXCLUSIVE") == ("22.61", "141.61", False)

    # A business at home pays the tax like anybody; one abroad settles it itself, and pays the same.
    assert await bought(api, "german-business", {"country": "DE"}, taxId=GERMAN_ID) == ("19.00", "119.00", False)
    assert await bought(api, "french-business", {"country": "FR"}, taxId=FRENCH_ID) == ("0.00", "119.00", True)
    # Unless the seller lets it have the tax.
    await api.patch("/organization/", {"lowersPriceForBusinesses": True})
    assert await bought(api, "lucky-business", {"country": "FR"}, taxId=FRENCH_ID) == ("0.00", "99.17", True)
    on_top = await bought(api, "net-business", {"country": "FR"}, taxId=FRENCH_ID, taxBehavior="EXCLUSIVE")
    assert on_top == ("0.00", "119.00", True)

    # All of the tax that is owed stands in the books, and goes back with what is refunded.
    balances = {entry["account"]: entry["amountUnits"] for entry in (await api.get("/balances/")).json()["results"]}
    assert balances["tax"] == -(1900 + 1983 + 2261 + 1900)
    for order in (await api.get("/orders/")).json()["results"]:
        assert (await api.post("/refunds/", {"orderId": order["id"]})).json()["status"] == "SUCCEEDED"
    balances = (await api.get("/balances/")).json()["results"]
    assert {balance["amountUnits"] for balance in balances} == {0}
    await money.books_balance(made)


async def test_an_american_seller_adds_the_tax_of_the_state(api: Client, made: Made) -> None:
    await api.patch("/organization/", {"billingAddress": {"country": "US", "state": "CA"}})
    await money.once(api, amount=100, taxBehavior="EXCLUSIVE")
    rates = (await api.get("/tax/rates/?country=US&state=CA")).json()["results"]
    assert [rate["ratePercent"] for rate in rates] == [7.25]
    assert await bought(api, "name", {"country": "US", "state": "California"}) == ("7.25", "107.25", False)
    assert await bought(api, "code", {"country": "US", "state": "ca"}) == ("7.25", "107.25", False)
    assert await bought(api, "oregon", {"country": "US", "state": "OR"}) == ("0.00", "100.00", False)
    assert await bought(api, "unknown", {"country": "US"}) == ("0.00", "100.00", False)

    # A county's rate of the seller's own comes before the packaged one, from now on.
    own = {"country": "US", "state": "CA", "taxCode": "saas", "ratePercent": 9.875, "name": "Sales tax"}
    assert (await api.post("/tax/rates/", own)).status_code == 201
    assert await bought(api, "later", {"country": "US", "state": "CA"}) == ("9.88", "109.88", False)
    await money.books_balance(made)
