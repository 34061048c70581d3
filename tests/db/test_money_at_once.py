"""Whoever moves money at once: nothing is given back, used up or numbered twice, and the database itself sees to it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.orders.records import Order
from kelviq_server.payments.errors import PaymentDeclined
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.promotions.discounts.errors import DiscountUsedUp
from tests import make, money
from tests.db.at_once import at_once
from tests.make import Made
from tests.money import Card

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
async def plan(made: Made) -> str:
    return await money.plan(made.sandbox)


async def sold(tenant: Tenant, plan: str, card: Card = Card.SUCCEEDS) -> tuple[str, Order]:
    """Return somebody who bought, and the order."""
    customer = await money.customer(tenant, card)
    return customer, await money.charge(tenant, plan, customer)


async def test_of_two_refunds_at_once_of_more_than_half_one_is_refused(made: Made, plan: str) -> None:
    customer, order = await sold(made.sandbox, plan)
    came = await at_once(*(money.refund(made.sandbox, order, 2451) for _ in range(2)))
    assert came == {"SUCCEEDED": 1, "RefundTooLarge": 1}
    kept = await money.kept(made.sandbox, customer)
    assert kept.gateway == [("succeeded", 4900, 2451), ("succeeded", 2451, 0)]
    assert kept.orders == [("PARTIAL_REFUND", 4900, 0, 4900, 2451)]
    await money.assert_books_right(made.sandbox)


async def test_ten_refunds_at_once_give_back_what_was_paid_and_no_more(made: Made, plan: str) -> None:
    customer, order = await sold(made.sandbox, plan)
    came = await at_once(*(money.refund(made.sandbox, order, 700) for _ in range(10)))
    assert came == {"SUCCEEDED": 7, "NothingToRefund": 3}
    kept = await money.kept(made.sandbox, customer)
    assert kept.orders == [("REFUNDED", 4900, 0, 4900, 4900)]
    assert kept.gateway[0] == ("succeeded", 4900, 4900)
    assert kept.credit_notes == [700] * 7
    await money.assert_books_right(made.sandbox)


async def test_ten_whole_refunds_at_once_are_one(made: Made, plan: str) -> None:
    customer, order = await sold(made.sandbox, plan)
    came = await at_once(*(money.refund(made.sandbox, order) for _ in range(10)))
    assert came == {"SUCCEEDED": 1, "NothingToRefund": 9}
    assert (await money.kept(made.sandbox, customer)).credit_notes == [4900]
    await money.assert_books_right(made.sandbox)


async def test_refunds_that_fail_at_once_give_free_what_was_set_aside(made: Made, plan: str) -> None:
    customer, order = await sold(made.sandbox, plan, Card.CANNOT_REFUND)
    came = await at_once(*(money.refund(made.sandbox, order, 700) for _ in range(10)))
    assert set(came) <= {"RefundRefused", "NothingToRefund", "RefundTooLarge"}
    assert came["RefundRefused"] >= 7
    assert (await money.kept(made.sandbox, customer)).orders == [("COMPLETE", 4900, 0, 4900, 0)]
    await money.assert_books_right(made.sandbox)


async def test_refunds_and_charges_of_one_customer_at_once_all_succeed(made: Made, plan: str) -> None:
    customer, order = await sold(made.sandbox, plan)
    came = await at_once(
        *(money.refund(made.sandbox, order, 100) for _ in range(8)),
        *(money.charge(made.sandbox, plan, customer) for _ in range(8)),
    )
    assert came == {"SUCCEEDED": 8, "COMPLETE": 8}
    await money.assert_books_right(made.sandbox)


@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.FAILS_LATER])
async def test_charges_at_once_never_use_the_same_credit_twice(made: Made, plan: str, card: Card) -> None:
    customer = await money.customer(made.sandbox, card, credit=6000)
    came = await at_once(*(money.charge(made.sandbox, plan, customer) for _ in range(6)))
    kept = await money.kept(made.sandbox, customer)
    used = sum(order[2] for order in kept.orders if order[0] == "COMPLETE")
    assert kept.credit == 6000 - used
    if card is Card.SUCCEEDS:
        assert came == {"COMPLETE": 6}
        assert sorted(order[2] for order in kept.orders) == [0, 0, 0, 0, 1100, 4900]
    else:
        # Only what credit pays wholly is bought.
        assert (came, used) == ({"COMPLETE": 1, "PaymentDeclined": 5}, 4900)
    await money.assert_books_right(made.sandbox)


async def test_credit_is_not_taken_away_while_a_charge_uses_it(made: Made, plan: str) -> None:
    customer = await money.customer(made.sandbox, credit=4900)
    came = await at_once(
        *(money.charge(made.sandbox, plan, customer) for _ in range(3)),
        *(money.grant(made.sandbox, customer, -4900) for _ in range(3)),
    )
    assert came["COMPLETE"] == 3
    assert came["CreditTooLow"] >= 2
    assert (await money.kept(made.sandbox, customer)).credit == 0
    await money.assert_books_right(made.sandbox)


@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.LOSES_THE_ANSWER])
async def test_the_same_request_at_once_is_one_order_and_one_payment(made: Made, plan: str, card: Card) -> None:
    customer, request = await money.customer(made.sandbox, card), uuid4()
    orders = await asyncio.gather(*(money.charge(made.sandbox, plan, customer, request_id=request) for _ in range(5)))
    assert orders == [orders[0]] * 5
    refunds = await asyncio.gather(*(money.refund(made.sandbox, orders[0], 300, request_id=request) for _ in range(5)))
    assert refunds == [refunds[0]] * 5
    kept = await money.kept(made.sandbox, customer)
    assert kept.gateway == [("succeeded", 4900, 300), ("succeeded", 300, 0)]
    assert kept.transactions == [("CHARGE", "success", 4900), ("REFUND", "success", -300)]
    assert kept.events["order.created"] == kept.events["refund.updated"] == 1
    await money.assert_books_right(made.sandbox)


@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.LOSES_THE_ANSWER, Card.FAILS_LATER])
async def test_sweepers_and_the_reply_settle_once(made: Made, plan: str, card: Card) -> None:
    customers = [await money.customer(made.sandbox, card, credit=100) for _ in range(5)]
    charges = [asyncio.ensure_future(money.charge(made.sandbox, plan, customer)) for customer in customers]
    while not all(charge.done() for charge in charges):
        await asyncio.gather(*(money.sweep() for _ in range(3)))
    came = await at_once(*charges)
    assert came == ({"PaymentDeclined": 5} if card is Card.FAILS_LATER else {"COMPLETE": 5})
    for customer in customers:
        kept = await money.kept(made.sandbox, customer)
        assert len(kept.gateway) == len(kept.orders) == len(kept.transactions) == 1
        assert kept.credit == (100 if card is Card.FAILS_LATER else 0)
    await money.assert_books_right(made.sandbox)


@pytest.mark.parametrize(("card", "status"), [(Card.ANSWERS_LATE, "COMPLETE"), (Card.DECLINES_LATE, "FAILED")])
async def test_many_who_hear_a_late_answer_at_once_settle_once(made: Made, plan: str, card: Card, status: str) -> None:
    await make.freeze_clock(made.sandbox, AT)
    customer, request = await money.customer(made.sandbox, card, credit=100), uuid4()
    with pytest.raises(PaymentUnsettled):
        await money.charge(made.sandbox, plan, customer, request_id=request)
    await make.freeze_clock(made.sandbox, AT + timedelta(hours=1))
    came = await at_once(
        *(money.sweep() for _ in range(4)),
        *(money.charge(made.sandbox, plan, customer, request_id=request) for _ in range(4)),
    )
    assert came == {"": 4, ("PaymentDeclined" if status == "FAILED" else status): 4}
    kept = await money.kept(made.sandbox, customer)
    assert [order[0] for order in kept.orders] == [status]
    assert kept.entries[2:] == ["payment" if status == "COMPLETE" else "credit_released"]
    await money.assert_books_right(made.sandbox)


async def test_charges_at_once_take_numbers_without_a_gap_though_some_are_declined(made: Made, plan: str) -> None:
    cards = [Card.FAILS_LATER if n % 5 == 4 else Card.SUCCEEDS for n in range(25)]
    customers = [await money.customer(made.sandbox, card) for card in cards]
    came = await at_once(*(money.charge(made.sandbox, plan, customer) for customer in customers))
    assert came == {"COMPLETE": 20, "PaymentDeclined": 5}
    async with reading(made.sandbox) as tx:
        numbers = await tx.value(
            "SELECT array_agg(number ORDER BY number) FROM invoices WHERE tenant_id = %s AND number IS NOT NULL",
            (tx.tenant_id,),
        )
    assert numbers == list(range(1, 21))
    await money.assert_books_right(made.sandbox)


async def test_a_discount_for_one_is_used_by_one_of_many_at_once(made: Made, plan: str) -> None:
    await make.discount(made.sandbox, code="ONE", redemptionLimit=1)
    customers = [await money.customer(made.sandbox) for _ in range(4)]
    came = await at_once(*(money.charge(made.sandbox, plan, customer, discount_code="ONE") for customer in customers))
    assert came == {"COMPLETE": 1, "DiscountUsedUp": 3}
    await money.assert_books_right(made.sandbox)


async def test_a_discount_that_a_declined_charge_used_is_there_for_the_next(made: Made, plan: str) -> None:
    await make.discount(made.sandbox, code="ONE", redemptionLimit=1)
    with pytest.raises(PaymentDeclined):
        await money.charge(
            made.sandbox, plan, await money.customer(made.sandbox, Card.FAILS_LATER), discount_code="ONE"
        )
    await money.charge(made.sandbox, plan, await money.customer(made.sandbox), discount_code="ONE")
    with pytest.raises(DiscountUsedUp):
        await money.charge(made.sandbox, plan, await money.customer(made.sandbox), discount_code="ONE")
    await money.assert_books_right(made.sandbox)


async def test_nobody_waits_for_ever_for_somebody_who_waits_for_them(made: Made, plan: str, one_slot: None) -> None:
    await make.discount(made.sandbox, code="LAUNCH")
    orders = [(await sold(made.sandbox, plan))[1] for _ in range(6)]
    rich = [await money.customer(made.sandbox, credit=9000) for _ in range(6)]
    poor = [await money.customer(made.sandbox, Card.FAILS_LATER) for _ in range(6)]
    others = [await money.customer(made.sandbox) for _ in range(6)]
    came = await at_once(
        *(money.refund(made.sandbox, order, 100) for order in orders),
        *(money.charge(made.sandbox, plan, each, discount_code="LAUNCH") for each in (*rich, *poor)),
        *(money.charge(made.sandbox, plan, each) for each in others),
    )
    assert came == {"SUCCEEDED": 6, "COMPLETE": 12, "PaymentDeclined": 6}
    await money.assert_books_right(made.sandbox)
