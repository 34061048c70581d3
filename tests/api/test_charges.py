"""Charging an existing customer at once."""

from tests.api import money
from tests.api.conftest import Client


async def test_a_charge_is_paid_at_once(api: Client) -> None:
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
