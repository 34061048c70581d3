"""Charging an existing customer at once."""

from kelviq_server.billing.verification.actions.verify_books import verify_books
from tests.api import money
from tests.api.conftest import Client
from tests.make import Made


async def test_a_charge_is_paid_at_once(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api)
    charge = await money.charged(api)
    assert charge["amount"] == "49.00"
    assert charge["status"] == "active"
    order = await money.order_of(api, charge)
    assert (order["status"], order["amountTotal"], order["chargeId"]) == ("COMPLETE", "49.00", charge["id"])
    transaction = await money.one(api, "/transaction/")
    assert (transaction["status"], transaction["amountTotal"]) == ("success", 49)
    refund = await api.post("/refunds/", {"orderId": order["id"], "amount": 9})
    assert refund.status_code == 200, refund.text
    assert refund.json()["status"] == "SUCCEEDED"
    order = await money.order_of(api, charge)
    assert (order["status"], order["refundedTotalUnits"]) == ("PARTIAL_REFUND", 900)
    verified = await verify_books(made.sandbox)
    assert (verified.invoices, verified.differences) == (1, [])
