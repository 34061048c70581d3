"""Money by the official Python client, unchanged, against a whole server."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from kelviq_sdk import InvalidRequestError, NotFoundError

from tests.contract.merchant import DECLINED_LATER, VISA, buyer, charge_of, merchant, sell_once
from tests.contract.python_client import Client
from tests.contract.server import Server

# The client itself was written for an older Pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince212")
ONCE = {"planIdentifier": "lifetime", "chargePeriod": "ONE_TIME"}


@pytest.fixture
async def client(way: str, server: Server, sandbox: str) -> AsyncIterator[Client]:
    """The client, of a sandbox that sells something once and has a buyer for it."""
    with merchant(server.url, sandbox) as api:
        sell_once(api)
        buyer(api, "ada")
        buyer(api, "bob", DECLINED_LATER)
    client = Client(way, server.url, sandbox)
    yield client
    await client.close()


async def test_a_charge_its_refunds_and_what_it_was_paid_with_come_back_as_models(client: Client) -> None:
    charge = await client("charges.create", **ONCE, customerId="ada", currencyCode="USD", ipAddress="103.154.35.20")
    assert (charge.amount, charge.status, charge.currency, charge.recurrence) == ("49.00", "active", "USD", "")
    assert (charge.plan.identifier, charge.customerId, charge.billingType) == ("lifetime", "ada", "ONE_TIME")
    assert (charge.features, charge.trialDaysRemaining, charge.endDate) == ([], 0, None)

    paid = await client("transactions.list", status="success")
    [transaction] = paid.results
    assert (transaction.amountTotal, transaction.netPayout, transaction.transactionType) == (49, 49, "CHARGE")
    assert (transaction.last4, transaction.isSettled, transaction.morFeeBreakdown) == ("4242", False, [])
    assert transaction.order["chargeId"] == charge.id

    order = transaction.order["id"]
    part = await client("refunds.create", orderId=order, amount=9.99, reason="OTHER", internalNote="a tenth")
    assert (part.amountUnits, part.amount, part.status, part.reason) == (999, 9.99, "SUCCEEDED", "OTHER")
    assert (part.internalNote, part.failureReason, part.order["status"]) == ("a tenth", None, "PARTIAL_REFUND")
    rest = await client("refunds.create", orderId=order)
    assert (rest.amountUnits, rest.order["refundedTotalUnits"]) == (3901, 4900)
    assert await client("refunds.retrieve", refundId=rest.id) == rest

    listed = await client("refunds.list", search="ada@example.com", status="SUCCEEDED", page_size=1)
    assert (listed.count, [each.id for each in listed.results]) == (2, [rest.id])
    assert listed.next.endswith("page=2")
    moved = await client("transactions.list", search=order)
    assert [each.amountTotal for each in moved.results] == [-39.01, -9.99, 49]

    listed = await client("payment_methods.list", customer_id="ada")
    [method] = listed.results
    assert (listed.count, method.isDefault, method.methodType, method.status) == (1, True, "card", "succeeded")
    assert (method.methodData["last4"], method.customer.email) == (VISA[-4:], "ada@example.com")
    assert method.customer.billingAddress.country == "HK"
    assert (await client("payment_methods.list", customer_email="bob@example.com")).count == 1


async def test_what_goes_wrong_is_the_error_class_of_its_status(client: Client) -> None:
    with pytest.raises(InvalidRequestError) as declined:
        await client("charges.create", **ONCE, customerId="bob")
    detail = "The payment was declined. Ask the customer for another payment method."
    assert (declined.value.status_code, declined.value.details) == (400, {"detail": detail})
    with pytest.raises(InvalidRequestError) as unknown:
        await client("charges.create", planIdentifier="nothing", chargePeriod="ONE_TIME", customerId="ada")
    assert unknown.value.details == {"planIdentifier": ["There is no such plan for sale."]}
    with pytest.raises(NotFoundError):
        await client("refunds.create", orderId="ORD-20260715123000-A1B2C")
    with pytest.raises(NotFoundError):
        await client("refunds.retrieve", refundId="7c2f3a91-2d4e-4a8b-9b1c-6f0a2e5d9c11")
    await client("charges.create", **ONCE, customerId="ada")
    order = (await client("transactions.list", status="success")).results[0].order["id"]
    with pytest.raises(InvalidRequestError) as too_much:
        await client("refunds.create", orderId=order, amountUnits=4901)
    assert too_much.value.details == {"error": "Amount exceeds what is left to be refunded: 49.00 USD."}


def test_a_charge_sent_twice_with_one_key_charges_once(server: Server, sandbox: str) -> None:
    with merchant(server.url, sandbox) as api, ThreadPoolExecutor(8) as threads:
        sell_once(api)
        buyer(api, "ada")
        key = {"Idempotency-Key": "one-sale"}
        sent = [threads.submit(api.post, "/charges/", json=charge_of("ada"), headers=key) for _ in range(8)]
        answers = [each.result() for each in sent]
        answers.append(api.post("/charges/", json=charge_of("ada"), headers=key))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert answers[-1].status_code == 201
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert api.get("/transaction/").json()["count"] == 1
