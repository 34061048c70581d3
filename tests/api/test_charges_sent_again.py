"""A charge or a refund that bears an Idempotency-Key may die anywhere and be sent again: the money moves once."""

from typing import Any
from uuid import uuid4

from kelviq_server.platform.database import INSTANCE, transaction
from tests import make
from tests import money as kept_money
from tests.api import money
from tests.api.conftest import Client
from tests.make import Made
from tests.money import Kept
from tests.statements import dies_at_statement

SOLD = Kept(
    gateway=[("succeeded", 4410, 0)],
    orders=[("COMPLETE", 4410, 0, 4410, 0)],
    invoices=["PAID"],
    transactions=[("CHARGE", "success", 4410)],
    entries=["payment"],
    events={"order.created": 1, "order.updated": 1, "invoice.created": 1, "invoice.paid": 1},
)
REFUNDED = Kept(
    gateway=[("succeeded", 4900, 900), ("succeeded", 900, 0)],
    orders=[("PARTIAL_REFUND", 4900, 0, 4900, 900)],
    invoices=["PAID"],
    credit_notes=[900],
    transactions=[("CHARGE", "success", 4900), ("REFUND", "success", -900)],
    entries=["payment", "refund"],
    events=SOLD.events | {"refund.created": 1, "refund.updated": 1, "order.refunded": 1, "order.updated": 2},
)


async def end_leases() -> None:
    """Let so much machine time pass that a run without an answer counts as dead."""
    async with transaction(INSTANCE) as tx:
        await tx.execute("UPDATE idempotency_claims SET leased_until = 'epoch' WHERE sealed_answer IS NULL")


async def answers_after_death(api: Client, at: int, path: str, body: dict[str, Any]) -> tuple[bool, Any]:
    """Let a request die there; say whether it did, and what it is answered with when it is sent again."""
    key = {"Idempotency-Key": uuid4().hex}
    died = await dies_at_statement(at, api.post(path, body, headers=key))
    await end_leases()
    first = await api.post(path, body, headers=key)
    again = await api.post(path, body, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    return died, first


async def test_a_charge_that_died_and_is_sent_again_is_made_once(api: Client, made: Made) -> None:
    await money.once(api)
    await make.discount(made.sandbox, code="LAUNCH")
    at, died = 0, True
    while died:
        at += 1
        customer = await kept_money.customer(made.sandbox)
        body = money.body(customer_id=customer, discountCode="LAUNCH")
        died, answer = await answers_after_death(api, at, "/charges/", body)
        assert answer.status_code == 201, answer.text
        assert await kept_money.kept(made.sandbox, customer) == SOLD, at
    assert at > 30
    await kept_money.assert_books_right(made.sandbox)


async def test_a_refund_that_died_and_is_sent_again_is_made_once(api: Client, made: Made) -> None:
    plan = await kept_money.plan(made.sandbox)
    at, died = 0, True
    while died:
        at += 1
        customer = await kept_money.customer(made.sandbox)
        order = await kept_money.charge(made.sandbox, plan, customer)
        died, answer = await answers_after_death(api, at, "/refunds/", {"orderId": order.id, "amount": 9})
        assert answer.status_code == 200, answer.text
        assert await kept_money.kept(made.sandbox, customer) == REFUNDED, at
    assert at > 30
    await kept_money.assert_books_right(made.sandbox)


async def test_credit_that_died_and_is_sent_again_is_granted_once_or_its_end_is_not_known(
    api: Client, made: Made
) -> None:
    at, died, answers = 0, True, list[tuple[int, int]]()
    while died:
        at += 1
        customer = await kept_money.customer(made.sandbox)
        body = {"customerId": customer, "currencyCode": "USD", "amountUnits": 700}
        died, answer = await answers_after_death(api, at, "/credits/", body)
        answers.append((answer.status_code, (await kept_money.kept(made.sandbox, customer)).credit))
    # Only whoever died after the commit, with the answer in hand, leaves an end that is not known; never two grants.
    assert set(answers) == {(201, 700), (409, 700)}
    await kept_money.assert_books_right(made.sandbox)
