"""Wherever a process dies while somebody buys, they pay once or never, and the session says so.

Each action is stopped at every statement in turn, those of the sandbox's gateway too, and wherever it waits; then the
page that waits asks, or the sweeper, or the session's time has come.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from kelviq_server.checkout.offers.actions.change_session import change_session
from kelviq_server.checkout.offers.actions.show_session import show_session
from kelviq_server.checkout.offers.records import Typed
from kelviq_server.checkout.payment.actions.authenticate_payment import authenticate_payment
from kelviq_server.checkout.payment.actions.expire_session import expire_session
from kelviq_server.checkout.payment.actions.follow_payment import follow_payment
from kelviq_server.checkout.payment.actions.give_payment_up import give_payment_up
from kelviq_server.checkout.payment.actions.pay_session import pay_session
from kelviq_server.checkout.sessions.actions.create_session import create_session
from kelviq_server.checkout.sessions.actions.retrieve_session import retrieve_session
from kelviq_server.checkout.sessions.records import OpenSession, Session
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.payments.records import NewCard
from kelviq_server.platform.database import Tenant, reading
from tests import make, money, subscriptions
from tests.make import Made
from tests.money import Card
from tests.statements import dies_at_await, dies_at_statement

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MONTHLY = ChargePeriod.MONTHLY
BUYER = {"email": "grace@example.com", "name": "Grace Hopper", "country": "DE"}
Dies = Callable[[int, Awaitable[Any]], Awaitable[bool]]
wherever = pytest.mark.parametrize("dies", [dies_at_statement, dies_at_await])


@dataclass(frozen=True)
class End:
    """What became of a session: in our books, at the gateway, for the customer."""

    session: str
    orders: list[str]
    # Of each payment: how it stands at the gateway.
    gateway: list[str]
    records: list[str]
    cards: int
    completed: int


UNTOUCHED = End("open", [], [], [], 0, 0)
BOUGHT = End("success", ["COMPLETE"], ["succeeded"], ["active"], 1, 1)
DECLINED = End("failed", ["FAILED"], ["failed"], [], 0, 0)
WAITING = End("processing", ["PENDING"], ["pending"], ["incomplete"], 0, 0)
OVER = End("expired", ["FAILED"], ["failed"], [], 0, 0)
TRIED = End("success", ["COMPLETE"], [], ["trialing"], 1, 1)
# Of somebody who has a card already.
KNOWN = replace(UNTOUCHED, cards=1)
BOUGHT_AGAIN, DECLINED_AGAIN = replace(BOUGHT, cards=2), replace(DECLINED, cards=1)


@dataclass
class Shop:
    """A plan that is bought once, on pages; and what becomes of them."""

    tenant: Tenant
    plan: str

    async def session(self, **fields: Any) -> Session:
        return await create_session(
            self.tenant,
            OpenSession(self.plan, ChargePeriod.ONE_TIME, is_trusted=True, customer=uuid4().hex, **fields),
        )

    async def typed(self, session: Session) -> Typed:
        """Return what a page sends whose buyer has seen what it comes to."""
        shown = await change_session(self.tenant, session.id, Typed(fields=BUYER))
        assert shown is not None
        return Typed(fields=BUYER, turn=shown.session.turn, agreed=shown.offering.agreed)

    async def pay(self, session: Session, card: Card = Card.SUCCEEDS) -> Session:
        return await pay_session(self.tenant, session.id, await self.typed(session), NewCard(card, 12, 2090, "123"))

    async def waiting(self) -> Session:
        """Return a session whose payment waits for its customer."""
        session = await self.session()
        paid = await self.pay(session, Card.ASKS_FOR_AUTHENTICATION)
        assert paid.needs_action
        return session

    async def end(self, session: Session) -> End:
        async with reading(self.tenant) as tx:
            return await tx.decoded(End, _END, {"tenant_id": self.tenant.id, "id": session.id})


@dataclass
class Trials(Shop):
    """A plan that is on trial at first, and a discount for what comes later."""

    async def session(self, **fields: Any) -> Session:
        new = OpenSession(self.plan, MONTHLY, is_trusted=True, customer=uuid4().hex, discount_code="LAUNCH", **fields)
        return await create_session(self.tenant, new)


@dataclass
class Returning(Shop):
    """A plan by the month, a discount, and customers who have a card, and credit for a part of it."""

    async def session(self, **fields: Any) -> Session:
        known = await money.customer(self.tenant, credit=1000)
        wanted = OpenSession(self.plan, MONTHLY, is_trusted=True, customer=known, discount_code="LAUNCH", **fields)
        return await create_session(self.tenant, wanted)


@pytest.fixture
async def shop(made: Made) -> Shop:
    await make.freeze_clock(made.sandbox, AT)
    return Shop(made.sandbox, await money.plan(made.sandbox))


@pytest.fixture
async def trials(shop: Shop) -> Trials:
    await make.discount(shop.tenant, code="LAUNCH")
    return Trials(shop.tenant, await subscriptions.plan(shop.tenant, (MONTHLY, 10_000), trial_days=14))


@pytest.fixture
async def returning(shop: Shop) -> Returning:
    await make.discount(shop.tenant, code="LAUNCH")
    return Returning(shop.tenant, await subscriptions.plan(shop.tenant, (MONTHLY, 10_000)))


async def hear(shop: Shop, session: Session, at: int) -> None:
    """Ask what became of a payment as the page does that waits, or as the sweeper does."""
    if at % 2:
        await follow_payment(shop.tenant, session.id)
    else:
        await money.sweep()


@wherever
@pytest.mark.parametrize(("card", "end"), [(Card.SUCCEEDS, BOUGHT), (Card.FAILS_LATER, DECLINED)])
async def test_wherever_buying_dies_it_ends_once_or_never_was(shop: Shop, dies: Dies, card: Card, end: End) -> None:
    ends = await die_everywhere(shop, dies, card, UNTOUCHED, end)
    assert ends.count(True) > 5


@pytest.mark.slow
@wherever
async def test_wherever_a_trial_dies_it_begins_once_or_never_was(trials: Trials, dies: Dies) -> None:
    # All of it is in the one commit: nothing is charged.
    await die_everywhere(trials, dies, Card.SUCCEEDS, UNTOUCHED, TRIED)


@pytest.mark.slow
@wherever
@pytest.mark.parametrize(("card", "end"), [(Card.SUCCEEDS, BOUGHT_AGAIN), (Card.FAILS_LATER, DECLINED_AGAIN)])
async def test_wherever_somebody_who_comes_back_dies_their_credit_and_the_code_are_used_once_or_never(
    returning: Returning, dies: Dies, card: Card, end: End
) -> None:
    ends = await die_everywhere(returning, dies, card, KNOWN, end)
    assert ends.count(True) > 5


async def die_everywhere(shop: Shop, dies: Dies, card: Card, untouched: End, end: End) -> list[bool]:
    """Buy, dying at one place after the other, and return whether each was bought before it was sent again."""
    at, died, ends = 0, True, list[bool]()
    while died:
        at += 1
        session = await shop.session()
        typed = await shop.typed(session)
        buy = pay_session(shop.tenant, session.id, typed, NewCard(card, 12, 2090, "123"))
        died = await dies(at, buy)
        await hear(shop, session, at)
        kept = await shop.end(session)
        assert kept in (untouched, end), at
        ends.append(kept == end)
        # Whoever sends the same page again, or goes back to it, pays no second time.
        await pay_session(shop.tenant, session.id, typed, NewCard(card, 12, 2090, "123"))
        assert await shop.end(session) == end, at
    # Before the first commit nothing is left of it; after it, all of it is done.
    assert dies is dies_at_await or ends == sorted(ends)
    assert ends.count(False) > 10
    await money.assert_books_right(shop.tenant)
    return ends


@wherever
@pytest.mark.parametrize(("is_approved", "end"), [(True, BOUGHT), (False, DECLINED)])
async def test_wherever_authenticating_dies_it_is_heard_of(shop: Shop, dies: Dies, is_approved: bool, end: End) -> None:
    at, died = 0, True
    while died:
        at += 1
        session = await shop.waiting()
        died = await dies(at, authenticate_payment(shop.tenant, session.id, is_approved=is_approved))
        await money.sweep()
        assert await shop.end(session) in (WAITING, end), at
        await authenticate_payment(shop.tenant, session.id, is_approved=is_approved)
        assert await shop.end(session) == end, at
    assert at > 10
    await money.assert_books_right(shop.tenant)


@wherever
async def test_wherever_a_session_dies_at_its_end_it_is_over_once(shop: Shop, dies: Dies) -> None:
    at, died = 0, True
    while died:
        at += 1
        await make.freeze_clock(shop.tenant, AT)
        session = await shop.waiting()
        await make.freeze_clock(shop.tenant, AT + DAY)
        died = await dies(at, expire_session(shop.tenant, session.id))
        await expire_session(shop.tenant, session.id)
        assert await shop.end(session) == OVER, at
    assert at > 10
    await money.assert_books_right(shop.tenant)


async def test_two_windows_and_the_sweeper_at_once_pay_once(shop: Shop) -> None:
    for _ in range(5):
        session = await shop.session()
        typed, card = await shop.typed(session), NewCard(Card.LOSES_THE_ANSWER, 12, 2090, "123")
        await asyncio.gather(
            *(pay_session(shop.tenant, session.id, typed, card) for _ in range(4)),
            *(follow_payment(shop.tenant, session.id) for _ in range(2)),
            money.sweep(),
        )
        assert await shop.end(session) == BOUGHT
    await money.assert_books_right(shop.tenant)


async def test_two_sessions_in_one_new_customers_name_make_one_customer(shop: Shop) -> None:
    sessions = [await shop.session() for _ in range(2)]
    name = sessions[0].external_id
    others = [
        await create_session(shop.tenant, OpenSession(shop.plan, ChargePeriod.ONE_TIME, is_trusted=True, customer=name))
        for _ in range(3)
    ]
    await asyncio.gather(*(shop.pay(session) for session in [sessions[0], *others]))
    ends = [await shop.end(session) for session in others]
    assert {(end.session, tuple(end.orders)) for end in ends} == {("success", ("COMPLETE",) * 4)}
    await money.assert_books_right(shop.tenant)


async def test_who_approves_cancels_and_lets_it_expire_at_once_hears_one_end(shop: Shop) -> None:
    ends: set[str] = set()
    for _ in range(8):
        await make.freeze_clock(shop.tenant, AT)
        session = await shop.waiting()
        await make.freeze_clock(shop.tenant, AT + DAY)
        await asyncio.gather(
            authenticate_payment(shop.tenant, session.id, is_approved=True),
            give_payment_up(shop.tenant, session.id),
            expire_session(shop.tenant, session.id),
            money.sweep(),
        )
        await expire_session(shop.tenant, session.id)
        end = await shop.end(session)
        assert end in (BOUGHT, OVER)
        ends.add(end.session)
    await money.assert_books_right(shop.tenant)


async def test_somebody_who_chooses_while_the_payment_ends_waits_for_nobody(shop: Shop) -> None:
    await make.discount(shop.tenant, code="LAUNCH")
    for _ in range(5):
        session = await shop.session(discount_code="LAUNCH")
        typed = await shop.typed(session)
        card = NewCard(Card.FAILS_LATER, 12, 2090, "123")
        await asyncio.gather(
            pay_session(shop.tenant, session.id, typed, card),
            *(change_session(shop.tenant, session.id, Typed(fields=BUYER)) for _ in range(4)),
            *(show_session(shop.tenant, session.id) for _ in range(2)),
        )
        whole = await retrieve_session(shop.tenant, session.id)
        assert whole.session.status == "failed"


_END = """
    WITH s AS (SELECT * FROM checkout_sessions WHERE tenant_id = %(tenant_id)s AND id = %(id)s
    ), o AS (SELECT * FROM orders WHERE tenant_id = %(tenant_id)s AND customer_id = (SELECT customer_id FROM s)
    ), a AS (SELECT * FROM payment_attempts WHERE tenant_id = %(tenant_id)s AND subject IN (SELECT id FROM o))
    SELECT json_build_object(
      'session', (SELECT status FROM s),
      'orders', (SELECT coalesce(json_agg(status ORDER BY created_at, id), '[]') FROM o),
      'gateway', (SELECT coalesce(json_agg(status ORDER BY created_at, key), '[]') FROM sandbox_payments
        WHERE tenant_id = %(tenant_id)s AND key IN (SELECT id FROM a)),
      'records', (SELECT coalesce(json_agg(status ORDER BY created_at, id), '[]') FROM subscriptions
        WHERE tenant_id = %(tenant_id)s AND customer_id = (SELECT customer_id FROM s)),
      'cards', (SELECT count(*) FROM payment_methods
        WHERE tenant_id = %(tenant_id)s AND customer_id = (SELECT customer_id FROM s)),
      'completed', (SELECT count(*) FROM outbox WHERE tenant_id = %(tenant_id)s
        AND payload->>'type' = 'checkout.completed' AND strpos(payload::text, %(id)s) > 0))
"""
