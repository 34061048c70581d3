"""What becomes of charges that are not simply paid: refused, unanswered, asked twice, or paid with credit."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kelviq_server.billing.settlement.jobs import LATE_ANSWERS, settle_unanswered
from kelviq_server.platform.due import DueWorks, use_due_works
from tests import make
from tests.api import catalog, money
from tests.api.conftest import Client
from tests.make import Made

DECLINED = "The payment was declined. Ask the customer for another payment method."
AUTHENTICATION = "The payment requires authentication. Use checkout so that the customer can complete it."
REQUIRED = "A payment method is required to complete this payment."


@pytest.mark.parametrize(
    ("number", "refusal", "noted"),
    [
        (money.DECLINED_LATER, DECLINED, "The payment was declined."),
        (money.ASKS_FOR_AUTHENTICATION, AUTHENTICATION, "The payment requires authentication."),
    ],
)
async def test_a_payment_that_fails_is_refused_and_its_order_shown(
    api: Client, made: Made, number: str, refusal: str, noted: str
) -> None:
    await money.once(api)
    await money.customer(api, number)
    assert await money.refused(api) == {"detail": refusal}
    order = await money.one(api, "/orders/")
    assert (order["status"], order["paidAt"], order["invoiceId"], order["paymentMethod"]) == (
        "FAILED",
        None,
        None,
        None,
    )
    events = (await api.get(f"/orders/{order['id']}/events/")).json()["results"]
    assert [(event["code"], event["status"], event["metadata"]) for event in events] == [
        ("order.payment_failed", "failed", {"primary": noted, "secondary": f"card ending {number[-4:]}"}),
        ("order.created", "success", {}),
    ]
    transaction = await money.one(api, "/transaction/")
    assert (transaction["status"], transaction["amountTotal"], transaction["netPayout"]) == ("failure", 49, 0)
    assert transaction["availableOn"] is None
    assert (await api.get("/invoices/")).json()["count"] == 0
    assert [event["type"] for event in await make.events(made.sandbox)][2:] == [], "nobody is told of it"
    await money.books_balance(made)


async def test_without_a_method_nothing_is_begun(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, None)
    assert await money.refused(api) == {"detail": REQUIRED}
    for path in ("/orders/", "/orders/?status=PENDING", "/transaction/"):
        assert (await api.get(path)).json()["count"] == 0
    await money.books_balance(made)


async def test_who_or_what_is_unknown_cannot_be_charged(api: Client) -> None:
    await money.once(api)
    await money.customer(api)
    assert await money.refused(api, customer_id="nobody") == {"detail": "Customer does not exist."}
    gone = {"planIdentifier": ["There is no such plan for sale."]}
    assert await money.refused(api, "nothing") == gone
    await catalog.plan(api, "draft")
    assert await money.refused(api, "draft") == gone
    await catalog.plan(api, "monthly")
    await catalog.set_prices(api, "monthly", catalog.price())
    await catalog.publish(api, "monthly")
    assert await money.refused(api, "monthly") == {"planIdentifier": ["The plan has no one-time price."]}
    assert (await api.delete("/catalog/plans/lifetime/")).status_code == 204
    assert await money.refused(api) == gone
    await api.delete("/customers/ada/")
    assert await money.refused(api) == {"detail": "Customer does not exist."}


async def test_input_that_is_wrong_is_named_field_by_field(api: Client) -> None:
    required = ["This field is required."]
    empty = await api.post("/charges/", {})
    assert (empty.status_code, empty.json()) == (
        400, {"planIdentifier": required, "chargePeriod": required, "customerId": required}
    )  # fmt: skip
    wrong: dict[str, Any] = {
        "plan_identifier": "", "chargePeriod": "MONTHLY", "customerId": 5, "features": [{"quantity": -1}, 7],
        "currencyCode": "XYZ", "customAmount": "12", "taxBehavior": "NONE", "discountCode": ["x"],
        "ipAddress": "1.2.3",
    }  # fmt: skip
    answer = await api.post("/charges/", wrong)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "planIdentifier": ["This field may not be blank."],
            "chargePeriod": ['"MONTHLY" is not a valid choice.'],
            "customerId": ["Not a valid string."],
            "features": [
                {
                    "identifier": ["features[0].identifier: This field is required."],
                    "quantity": ["features[0].quantity: Ensure this value is greater than or equal to 0."],
                }
            ],
            "nonFieldErrors": ["features[1]: Invalid data. Expected a dictionary, but got int."],
            "currencyCode": ['"XYZ" is not a valid choice.'],
            "customAmount": ["A valid number is required."],
            "taxBehavior": ['"NONE" is not a valid choice.'],
            "discountCode": ["Not a valid string."],
            "ipAddress": ["Enter a valid IPv4 or IPv6 address."],
        },
    )


async def test_an_answer_that_got_lost_is_asked_for(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.LOSES_THE_ANSWER)
    assert (await money.charged(api))["status"] == "active"
    assert (await money.one(api, "/transaction/"))["status"] == "success"
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("number", "order_status", "transaction_status"),
    [(money.ANSWERS_LATE, "COMPLETE", "success"), (money.DECLINES_LATE, "FAILED", "failure")],
)
async def test_a_late_answer_ends_the_order_when_it_comes(
    api: Client, made: Made, number: str, order_status: str, transaction_status: str
) -> None:
    await money.once(api)
    await money.customer(api, number)
    detail = (await money.refused(api))["detail"]
    order_id = detail.removeprefix("How the payment of order ").split(" ")[0]
    assert (await api.get("/orders/")).json()["count"] == 0, "nobody is to see what is still pending"
    assert (await api.get("/orders/?status=PENDING")).json()["count"] == 0
    assert (await api.get(f"/orders/{order_id}/")).status_code == 404
    assert (await api.get(f"/orders/{order_id}/events/")).status_code == 404
    refund = await api.post("/refunds/", {"orderId": order_id})
    assert (refund.status_code, refund.json()) == (404, {"detail": "Not found."})
    pending = await money.one(api, "/transaction/?status=pending")
    assert (pending["status"], pending["order"], pending["amountTotal"]) == ("pending", {}, 49)
    await money.books_balance(made)
    await settle_unanswered(timedelta())
    assert (await money.one(api, "/transaction/"))["status"] == "pending", "asking earlier does not help"
    use_due_works(DueWorks([LATE_ANSWERS]))
    try:
        moved = await api.post("/sandbox/clock/", {"advance": {"hours": 1}})
    finally:
        use_due_works(DueWorks(()))
    assert (moved.status_code, moved.json()["carriedOut"]) == (200, 1), moved.text
    assert (await api.get(f"/orders/{order_id}/")).json()["status"] == order_status
    assert (await money.one(api, "/transaction/"))["status"] == transaction_status
    await money.books_balance(made)


async def test_a_charge_sent_twice_with_one_key_charges_once(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api)
    key = {"Idempotency-Key": "charge-1"}
    answers = await asyncio.gather(*(api.post("/charges/", money.body(), headers=key) for _ in range(4)))
    answers.append(await api.post("/charges/", money.body(), headers=key))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert answers[-1].headers["idempotent-replayed"] == "true"
    assert (await money.one(api, "/transaction/"))["status"] == "success"
    await money.books_balance(made)


async def test_a_decline_is_replayed_too(api: Client) -> None:
    await money.once(api)
    await money.customer(api, money.DECLINED_LATER)
    key = {"Idempotency-Key": "charge-1"}
    first = await api.post("/charges/", money.body(), headers=key)
    await money.card(api, "ada")
    second = await api.post("/charges/", money.body(), headers=key)
    assert (second.status_code, second.json()) == (400, first.json()) == (400, {"detail": DECLINED})
    assert (await api.get("/transaction/")).json()["count"] == 1


async def test_customers_buying_at_once_each_get_a_number(api: Client, made: Made) -> None:
    await money.once(api)
    for number in range(4):
        await money.customer(api, customer_id=f"c-{number}")
    buyers = [f"c-{number}" for number in range(4)] * 2
    await asyncio.gather(*(money.charged(api, customer_id=buyer) for buyer in buyers))
    invoices = (await api.get("/invoices/")).json()["results"]
    assert [invoice["number"] for invoice in invoices] == list(range(8, 0, -1))
    await money.books_balance(made)


async def test_a_code_for_one_is_not_used_up_by_a_payment_that_fails(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.DECLINED_LATER)
    terms = {"name": "One", "type": "PERCENTAGE", "percentage": 50, "code": "ONE", "redemptionLimit": 1}
    discount = await catalog.made(api, "/discounts/", terms)
    assert await money.refused(api, discountCode="ONE") == {"detail": DECLINED}
    assert (await api.get(f"/discounts/{discount['id']}/redemptions/")).json()["count"] == 0
    await money.card(api, "ada")
    assert (await money.charged(api, discountCode="ONE"))["amount"] == "24.50"
    await money.books_balance(made)
