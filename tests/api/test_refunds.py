"""Refunds: all of an order or a part, down to the last cent and never beyond."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests import make
from tests.api import money
from tests.api.conftest import Client
from tests.make import Made

REFUNDS = "/refunds/"
AT = datetime(2026, 7, 15, 12, 30, tzinfo=UTC)


async def refund(api: Client, order_id: str, **fields: Any) -> dict[str, Any]:
    answer = await api.post(REFUNDS, {"orderId": order_id, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(api: Client, order_id: str, **fields: Any) -> Any:
    answer = await api.post(REFUNDS, {"orderId": order_id, **fields})
    assert answer.status_code == 400, answer.text
    return answer.json()


@pytest.fixture
async def order_id(api: Client) -> str:
    """An order of 49 dollars that was paid by card."""
    await money.once(api)
    await money.customer(api, email="ada@example.com")
    return (await money.charged(api))["orderId"]


async def test_a_whole_order_is_refunded(api: Client, made: Made, order_id: str) -> None:
    answer = await refund(api, order_id)
    order = (await api.get(f"/orders/{order_id}/")).json()
    assert answer == {
        "id": str(UUID(answer["id"])), "reason": "REQUESTED_BY_CUSTOMER", "amountUnits": 4900, "amount": 49,
        "internalNote": None, "failureReason": None, "status": "SUCCEEDED", "order": order,
    }  # fmt: skip
    assert (order["status"], order["refundedTotalUnits"], order["paidAt"] is None) == ("REFUNDED", 4900, False)
    assert (await api.get(f"{REFUNDS}{answer['id']}/")).json() == answer
    assert await money.one(api, REFUNDS) == answer
    assert await refused(api, order_id) == {"error": "Nothing of this order is left to be refunded."}
    await money.books_balance(made)


async def test_parts_are_refunded_down_to_the_last_cent(api: Client, made: Made, order_id: str) -> None:
    for fields, units, status in (
        ({"amountUnits": 1}, 1, "PARTIAL_REFUND"),
        ({"amount": 48.98}, 4899 - 1, "PARTIAL_REFUND"),
        ({}, 1, "REFUNDED"),
    ):
        answer = await refund(api, order_id, **fields)
        assert (answer["amountUnits"], answer["order"]["status"]) == (units, status)
    assert await refused(api, order_id, amountUnits=1) == {"error": "Nothing of this order is left to be refunded."}
    await money.books_balance(made)


async def test_minor_units_come_before_the_amount(api: Client, order_id: str) -> None:
    answer = await refund(api, order_id, amountUnits=250, amount=10_000.123)
    assert (answer["amountUnits"], answer["amount"]) == (250, 2.5)


async def test_no_more_goes_back_than_is_left(api: Client, made: Made, order_id: str) -> None:
    for fields in ({"amount": 49.01}, {"amountUnits": 4901}):
        assert await refused(api, order_id, **fields) == {
            "error": "Amount exceeds what is left to be refunded: 49.00 USD."
        }
    await refund(api, order_id, amount=40)
    assert await refused(api, order_id, amount=9.01) == {
        "error": "Amount exceeds what is left to be refunded: 9.00 USD."
    }
    await money.books_balance(made)


async def test_of_refunds_at_once_together_no_more_goes_back_than_was_paid(
    api: Client, made: Made, order_id: str
) -> None:
    answers = await asyncio.gather(*(api.post(REFUNDS, {"orderId": order_id, "amount": 20}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 400, 400, 400]
    assert (await api.get(f"/orders/{order_id}/")).json()["refundedTotalUnits"] == 4000
    await money.books_balance(made)


async def test_a_refund_sent_twice_with_one_key_goes_back_once(api: Client, order_id: str) -> None:
    key, body = {"Idempotency-Key": uuid4().hex}, {"orderId": order_id, "amount": 1}
    first = await api.post(REFUNDS, body, headers=key)
    second = await api.post(REFUNDS, body, headers=key)
    assert (second.status_code, second.json()) == (200, first.json())
    assert (await api.get(REFUNDS)).json()["count"] == 1


@pytest.mark.parametrize(
    ("currency", "amount", "too_fine", "fine"), [("JPY", 7000, 0.5, 1), ("KWD", 15.125, 0.0001, 0.001)]
)
async def test_an_amount_is_no_finer_than_the_currency(
    api: Client, made: Made, currency: str, amount: float, too_fine: float, fine: float
) -> None:
    await money.once(api, amount=amount, currency=currency)
    await money.customer(api)
    order_id = (await money.charged(api))["orderId"]
    assert await refused(api, order_id, amount=too_fine) == {"error": "The order's currency has no coin that small."}
    answer = await refund(api, order_id, amount=fine)
    assert (answer["amountUnits"], answer["amount"]) == (1, fine)
    await money.books_balance(made)


async def test_what_cannot_be_given_back_says_so_and_can_be_tried_again(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.CANNOT_REFUND)
    order_id = (await money.charged(api))["orderId"]
    for _ in range(2):
        assert await refused(api, order_id) == {"error": "The payment cannot be given back."}
    failed = (await api.get(REFUNDS + "?status=FAILED")).json()["results"]
    assert [(each["failureReason"], each["order"]["status"]) for each in failed] == [
        ("The payment cannot be given back.", "COMPLETE")
    ] * 2
    transactions = (await api.get("/transaction/?status=failure")).json()["results"]
    assert [(each["transactionType"], each["amountTotal"]) for each in transactions] == [("REFUND", -49)] * 2
    events = (await api.get(f"/orders/{order_id}/events/")).json()["results"]
    assert events[0]["code"] == "order.refund_failed"
    assert events[0]["metadata"] == {"primary": "-49.00 USD", "secondary": "The payment cannot be given back."}
    await money.books_balance(made)


async def test_a_refund_whose_answer_got_lost_is_asked_for(api: Client, made: Made) -> None:
    await money.once(api)
    await money.customer(api, money.LOSES_THE_ANSWER)
    assert (await refund(api, (await money.charged(api))["orderId"]))["status"] == "SUCCEEDED"
    await money.books_balance(made)


async def test_what_was_not_paid_or_does_not_exist_is_not_refunded(api: Client) -> None:
    await money.once(api)
    await money.customer(api, money.DECLINED_LATER)
    await money.refused(api)
    failed = await money.one(api, "/orders/")
    assert await refused(api, failed["id"]) == {"error": "Nothing of this order is left to be refunded."}

    def gone(answer: httpx.Response) -> bool:
        return (answer.status_code, answer.json()) == (404, {"detail": "Not found."})

    assert gone(await api.post(REFUNDS, {"orderId": "ORD-20260715123000-A1B2C"}))
    for id in (uuid4(), "x"):
        assert gone(await api.get(f"{REFUNDS}{id}/"))


async def test_input_that_is_wrong_is_named_field_by_field(api: Client, order_id: str) -> None:
    empty = await api.post(REFUNDS, {})
    assert (empty.status_code, empty.json()) == (400, {"orderId": ["This field is required."]})
    wrong = {"order_id": 1, "amount_units": 0, "amount": 0, "reason": "BORED", "internal_note": "x" * 5001}
    answer = await api.post(REFUNDS, wrong)
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "orderId": ["Not a valid string."],
            "amountUnits": ["Ensure this value is greater than or equal to 1."],
            "amount": ["Ensure this value is greater than 0."],
            "reason": ['"BORED" is not a valid choice.'],
            "internalNote": ["Ensure this field has no more than 5000 characters."],
        },
    )
    told = await api.post(REFUNDS, {"order_id": order_id, "amount_units": 5, "internal_note": "so", "reason": "OTHER"})
    assert [told.json()[name] for name in ("amountUnits", "internalNote", "reason")] == [5, "so", "OTHER"]


async def test_the_list_is_newest_first_and_narrowed_by_its_filters(api: Client, made: Made) -> None:
    await money.once(api)
    ids: list[str] = []
    for number, name in enumerate(("ada", "bob", "ada2")):
        await make.freeze_clock(made.sandbox, AT + timedelta(days=number))
        await money.customer(api, customer_id=name, name=f"Buyer {name}", email=f"{name}@example.com")
        order_id = (await money.charged(api, customer_id=name))["orderId"]
        ids.append((await refund(api, order_id))["id"])
    first, second, third = ids
    bobs = (await api.get(f"{REFUNDS}{second}/")).json()["order"]["id"]
    for query, found in (
        ("", [third, second, first]),
        ("?search=ada", [third, first]),
        ("?search=ADA2@EXAMPLE", [third]),
        (f"?search={second}", [second]),
        (f"?search={bobs.lower()}", [second]),
        ('?search="buyer bob" ord', [second]),
        ("?status=SUCCEEDED&search=bob", [second]),
        ("?status=PROCESSING", []),
        ("?start_date=2026-07-16", [third, second]),
        ("?end_date=2026-07-16", [second, first]),
        ("?start_date=2026-07-16&end_date=2026-07-16", [second]),
        ("?page_size=2&page=last", [first]),
    ):
        assert [each["id"] for each in (await api.get(REFUNDS + query)).json()["results"]] == found, query
    past = await api.get(REFUNDS + "?page=2")
    assert (past.status_code, past.json()) == (404, {"detail": "Invalid page."})
    for query, faults in (
        ("?status=DONE", {"status": ['"DONE" is not a valid choice.']}),
        ("?start_date=2026-02-30", {"start_date": ["Enter a valid date."]}),
        ("?end_date=x", {"end_date": ["Enter a valid date."]}),
    ):
        answer = await api.get(REFUNDS + query)
        assert (answer.status_code, answer.json()) == (400, faults)
