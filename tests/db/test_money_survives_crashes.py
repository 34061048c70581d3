"""Wherever a process dies that moves money, it is moved once or never, and written down as often.

Each action is stopped at every statement in turn, those of the sandbox's gateway too, and wherever it waits, commits
among them; then the sweeper comes, or the request once more, or both.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.orders.records import Order
from kelviq_server.billing.refunds.errors import RefundRefused
from kelviq_server.billing.settlement.actions.settle_attempt import settle_attempt
from kelviq_server.billing.settlement.actions.take_unanswered import take_unanswered
from kelviq_server.billing.settlement.jobs import LATE_ANSWERS
from kelviq_server.payments.errors import PaymentDeclined
from kelviq_server.platform.database import Tenant, transaction
from tests import make, money
from tests.make import Made
from tests.money import Card, Kept
from tests.statements import dies_at_await, dies_at_statement

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)

Dies = Callable[[int, Awaitable[Any]], Awaitable[bool]]
wherever = pytest.mark.parametrize("dies", [dies_at_statement, dies_at_await])

# 49.00 less a tenth, with 19 % on top: 52.48, of which credit pays 10.00.
SOLD_EVENTS = {"order.created": 1, "order.updated": 1, "invoice.created": 1, "invoice.paid": 1}
UNTOUCHED = Kept(entries=["credit_granted"], credit=1000)
SOLD = Kept(
    gateway=[("succeeded", 4248, 0)],
    orders=[("COMPLETE", 5248, 1000, 4248, 0)],
    invoices=["PAID"],
    transactions=[("CHARGE", "success", 4248)],
    entries=["credit_granted", "credit_held", "payment"],
    events=SOLD_EVENTS,
)
DECLINED = Kept(
    gateway=[("failed", 4248, 0)],
    orders=[("FAILED", 5248, 1000, 0, 0)],
    invoices=["VOID"],
    transactions=[("CHARGE", "failure", 4248)],
    entries=["credit_granted", "credit_held", "credit_released"],
    credit=1000,
)
REFUND_EVENTS = {"refund.created": 1, "refund.updated": 1, "order.refunded": 1, "order.updated": 2}


def refunded(units: int) -> Kept:
    """Return what is kept when so much of a sale was given back."""
    status = "REFUNDED" if units == 4248 else "PARTIAL_REFUND"
    return Kept(
        gateway=[("succeeded", 4248, units), ("succeeded", units, 0)],
        orders=[(status, 5248, 1000, 4248, units)],
        invoices=["PAID"],
        credit_notes=[units],
        transactions=[("CHARGE", "success", 4248), ("REFUND", "success", -units)],
        entries=["credit_granted", "credit_held", "payment", "refund"],
        events=SOLD_EVENTS | REFUND_EVENTS,
    )


NOT_REFUNDABLE = Kept(
    gateway=[("succeeded", 4248, 0), ("failed", 300, 0)],
    orders=[("COMPLETE", 5248, 1000, 4248, 0)],
    invoices=["PAID"],
    transactions=[("CHARGE", "success", 4248), ("REFUND", "failure", -300)],
    entries=["credit_granted", "credit_held", "payment"],
    events=SOLD_EVENTS | {"refund.created": 1, "refund.updated": 1},
)


# Every statement is waited for: the other way sees less, sooner, and is enough where only the end differs.
bought = pytest.mark.parametrize(
    ("dies", "card", "end"),
    [(dies_at_await, Card.SUCCEEDS, SOLD), (dies_at_statement, Card.FAILS_LATER, DECLINED)],
)
given_back = pytest.mark.parametrize(
    ("dies", "card", "end"),
    [(dies_at_await, Card.SUCCEEDS, refunded(300)), (dies_at_statement, Card.CANNOT_REFUND, NOT_REFUNDABLE)],
)


class Shop:
    """A plan with a discount, and customers who have credit and pay tax."""

    def __init__(self, tenant: Tenant, plan: str) -> None:
        self.tenant, self.plan = tenant, plan
        # The number of the statement at which whoever dies leaves an attempt that is pending.
        self.first_that_leaves_something = 1

    async def customer(self, card: Card = Card.SUCCEEDS) -> str:
        return await money.customer(self.tenant, card, credit=1000, billing_address=money.GERMANY)

    async def charge(self, customer: str, **fields: Any) -> Order:
        return await money.charge(self.tenant, self.plan, customer, discount_code="LAUNCH", **fields)

    async def sold(self, card: Card = Card.SUCCEEDS) -> tuple[str, Order]:
        """Return somebody who bought, and the order."""
        customer = await self.customer(card)
        return customer, await self.charge(customer)

    async def kept(self, customer: str) -> Kept:
        return await money.kept(self.tenant, customer)

    async def leave_half_done(self, work: Callable[[], Awaitable[Any]]) -> UUID:
        """Let somebody die who has just written down what is to be moved, before the gateway hears of it.

        Returns the attempt.
        """
        while (attempt := await self.pending()) is None:
            await dies_at_statement(self.first_that_leaves_something, work())
            self.first_that_leaves_something += 1
        self.first_that_leaves_something -= 1
        return attempt

    async def pending(self) -> UUID | None:
        """Return an attempt whose end is not known, or None."""
        taken = await take_unanswered(timedelta(), 1000)
        return next((id for tenant, id in taken if tenant == self.tenant), None)


@pytest.fixture
async def shop(made: Made) -> Shop:
    await make.discount(made.sandbox, code="LAUNCH")
    return Shop(made.sandbox, await money.plan(made.sandbox))


async def go_on(request: Awaitable[Any]) -> Any:
    """Do what is asked for, or return what refuses it."""
    try:
        return await request
    except (PaymentDeclined, RefundRefused) as refusal:
        return type(refusal)


@bought
async def test_wherever_a_charge_dies_it_ends_once_or_never_was(shop: Shop, dies: Dies, card: Card, end: Kept) -> None:
    at, died, ends = 0, True, list[bool]()
    while died:
        at += 1
        customer, request = await shop.customer(card), uuid4()
        died = await dies(at, go_on(shop.charge(customer, request_id=request)))
        await money.sweep()
        kept = await shop.kept(customer)
        assert kept in (UNTOUCHED, end), at
        ends.append(kept == end)
        await go_on(shop.charge(customer, request_id=request))
        assert await shop.kept(customer) == end, at
    # Before the first commit nothing is left of it; after it, all of it is done.
    # How often a socket is waited for differs from run to run; statements do not.
    assert dies is dies_at_await or ends == sorted(ends)
    assert ends.count(False) > 10
    assert ends.count(True) > 10
    await money.assert_books_right(shop.tenant)


@bought
async def test_wherever_a_charge_dies_the_same_request_ends_it(shop: Shop, dies: Dies, card: Card, end: Kept) -> None:
    at, died = 0, True
    while died:
        at += 1
        customer, request = await shop.customer(card), uuid4()
        died = await dies(at, go_on(shop.charge(customer, request_id=request)))
        answer = await go_on(shop.charge(customer, request_id=request))
        assert await shop.kept(customer) == end, at
        assert await go_on(shop.charge(customer, request_id=request)) == answer
    assert at > 30
    await money.sweep()
    await money.assert_books_right(shop.tenant)


@wherever
async def test_wherever_a_charge_dies_that_credit_pays_it_is_whole_or_nothing(shop: Shop, dies: Dies) -> None:
    nothing = Kept(entries=["credit_granted"], credit=6000)
    whole = Kept(
        orders=[("COMPLETE", 5248, 5248, 0, 0)],
        invoices=["PAID"],
        entries=["credit_granted", "credit_held", "payment"],
        credit=752,
        events=SOLD_EVENTS,
    )
    at, died, ends = 0, True, list[bool]()
    while died:
        at += 1
        customer, request = await money.customer(shop.tenant, credit=6000, billing_address=money.GERMANY), uuid4()
        died = await dies(at, shop.charge(customer, request_id=request))
        kept = await shop.kept(customer)
        assert kept in (nothing, whole), at
        ends.append(kept == whole)
        await shop.charge(customer, request_id=request)
        assert await shop.kept(customer) == whole, at
    # How often a socket is waited for differs from run to run; statements do not.
    assert dies is dies_at_await or ends == sorted(ends)
    assert ends.count(True) > 1
    await money.assert_books_right(shop.tenant)


@pytest.mark.parametrize(
    ("dies", "card", "units", "end"),
    [
        (dies_at_statement, Card.SUCCEEDS, None, refunded(4248)),
        (dies_at_await, Card.SUCCEEDS, 300, refunded(300)),
        (dies_at_statement, Card.CANNOT_REFUND, 300, NOT_REFUNDABLE),
    ],
)
async def test_wherever_a_refund_dies_it_ends_once_or_never_was(
    shop: Shop, dies: Dies, card: Card, units: int | None, end: Kept
) -> None:
    at, died, ends = 0, True, list[bool]()
    while died:
        at += 1
        customer, order = await shop.sold(card)
        request = uuid4()
        died = await dies(at, go_on(money.refund(shop.tenant, order, units, request_id=request)))
        await money.sweep()
        kept = await shop.kept(customer)
        assert kept in (SOLD, end), at
        ends.append(kept == end)
        await go_on(money.refund(shop.tenant, order, units, request_id=request))
        assert await shop.kept(customer) == end, at
    # How often a socket is waited for differs from run to run; statements do not.
    assert dies is dies_at_await or ends == sorted(ends)
    assert ends.count(True) > 10
    await money.assert_books_right(shop.tenant)


@given_back
async def test_wherever_a_refund_dies_the_same_request_ends_it(shop: Shop, dies: Dies, card: Card, end: Kept) -> None:
    at, died = 0, True
    while died:
        at += 1
        customer, order = await shop.sold(card)
        request = uuid4()
        died = await dies(at, go_on(money.refund(shop.tenant, order, 300, request_id=request)))
        answer = await go_on(money.refund(shop.tenant, order, 300, request_id=request))
        assert await shop.kept(customer) == end, at
        assert await go_on(money.refund(shop.tenant, order, 300, request_id=request)) == answer
    assert at > 20
    await money.sweep()
    await money.assert_books_right(shop.tenant)


@wherever
async def test_wherever_a_grant_dies_the_customer_has_it_once_or_not(shop: Shop, dies: Dies) -> None:
    at, died, granted, customer = 0, True, 1000, await shop.customer()
    while died:
        at += 1
        died = await dies(at, money.grant(shop.tenant, customer, 7))
        credit = (await shop.kept(customer)).credit
        assert credit in (granted, granted + 7), at
        granted = credit
    assert at > 4
    assert granted > 1000
    await money.assert_books_right(shop.tenant)


@bought
async def test_wherever_the_sweeper_dies_at_a_payment_the_next_one_ends_it(
    shop: Shop, dies: Dies, card: Card, end: Kept
) -> None:
    at, died = 0, True
    while died:
        at += 1
        customer = await shop.customer(card)
        attempt = await shop.leave_half_done(partial(shop.charge, customer))
        died = await dies(at, settle_attempt(shop.tenant, attempt))
        await money.sweep()
        assert await shop.kept(customer) == end, at
    assert at > 10
    await money.assert_books_right(shop.tenant)


@given_back
async def test_wherever_the_sweeper_dies_at_a_refund_the_next_one_ends_it(
    shop: Shop, dies: Dies, card: Card, end: Kept
) -> None:
    at, died = 0, True
    while died:
        at += 1
        customer, order = await shop.sold(card)
        attempt = await shop.leave_half_done(partial(money.refund, shop.tenant, order, 300))
        died = await dies(at, settle_attempt(shop.tenant, attempt))
        await money.sweep()
        assert await shop.kept(customer) == end, at
    assert at > 10
    await money.assert_books_right(shop.tenant)


async def test_an_answer_that_got_lost_is_asked_for_at_once(shop: Shop) -> None:
    customer, order = await shop.sold(Card.LOSES_THE_ANSWER)
    assert await shop.kept(customer) == SOLD
    await money.refund(shop.tenant, order, 300)
    assert await shop.kept(customer) == refunded(300)
    await money.sweep()
    assert await shop.kept(customer) == refunded(300)


async def advance(tenant: Tenant) -> None:
    """Do what an advance of the clock does at the hour of the answer."""
    await make.freeze_clock(tenant, AT + HOUR)
    await LATE_ANSWERS.carry_out(tenant)


@pytest.mark.parametrize("hears", [advance, lambda tenant: make.freeze_clock(tenant, AT + HOUR)])
@pytest.mark.parametrize(("card", "end"), [(Card.ANSWERS_LATE, SOLD), (Card.DECLINES_LATE, DECLINED)])
async def test_a_late_answer_ends_a_payment_once_when_its_hour_has_come(
    shop: Shop, hears: Callable[[Tenant], Awaitable[None]], card: Card, end: Kept
) -> None:
    await make.freeze_clock(shop.tenant, AT)
    customer, request = await shop.customer(card), uuid4()
    on_its_way = Kept(
        gateway=[("pending", 4248, 0)],
        orders=[("PENDING", 5248, 1000, 0, 0)],
        invoices=["DRAFT"],
        transactions=[("CHARGE", "pending", 4248)],
        entries=["credit_granted", "credit_held"],
    )
    for _ in range(2):
        with pytest.raises(PaymentUnsettled):
            await shop.charge(customer, request_id=request)
        await make.freeze_clock(shop.tenant, AT + HOUR - timedelta(microseconds=1))
        await LATE_ANSWERS.carry_out(shop.tenant)
        await money.sweep()
        assert await shop.kept(customer) == on_its_way
    await hears(shop.tenant)
    answer = await go_on(shop.charge(customer, request_id=request))
    await money.sweep()
    await advance(shop.tenant)
    assert await go_on(shop.charge(customer, request_id=request)) == answer
    assert await shop.kept(customer) == end
    await money.assert_books_right(shop.tenant)


async def age(tenant: Tenant) -> None:
    """Let so much machine time pass that a gateway may have forgotten its keys."""
    async with transaction(tenant) as tx:
        await tx.execute(
            "UPDATE payment_attempts SET begun_at = begun_at - interval '1 day' WHERE tenant_id = %s", (tx.tenant_id,)
        )


@pytest.mark.parametrize("swept", [False, True])
async def test_what_the_gateway_never_heard_of_is_not_charged_a_day_later(shop: Shop, swept: bool) -> None:
    customer, request = await shop.customer(), uuid4()
    await shop.leave_half_done(lambda: shop.charge(customer, request_id=request))
    await age(shop.tenant)
    if swept:
        await money.sweep()
    with pytest.raises(PaymentDeclined):
        await shop.charge(customer, request_id=request)
    assert await shop.kept(customer) == replace(DECLINED, gateway=[])


@pytest.mark.parametrize("swept", [False, True])
async def test_what_the_gateway_never_heard_of_is_not_given_back_a_day_later(shop: Shop, swept: bool) -> None:
    customer, order = await shop.sold()
    request = uuid4()
    await shop.leave_half_done(lambda: money.refund(shop.tenant, order, 300, request_id=request))
    await age(shop.tenant)
    if swept:
        await money.sweep()
    with pytest.raises(RefundRefused):
        await money.refund(shop.tenant, order, 300, request_id=request)
    assert await shop.kept(customer) == replace(NOT_REFUNDABLE, gateway=SOLD.gateway)
