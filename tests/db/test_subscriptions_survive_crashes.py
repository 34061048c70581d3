"""Wherever a process dies that renews, changes or ends a subscription, the end is as if it had lived on.

Each is stopped at every statement in turn, those of the sandbox's gateway too, and wherever it waits, commits among
them; then a worker does what is due, the sweeper comes, and the same request once more, now one first, now another.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.errors import Refusal
from kelviq_server.platform.database import Tenant
from kelviq_server.subscriptions.changes.records import ProrationBehavior
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.cycles.actions.take_due import take_due
from kelviq_server.subscriptions.endings.records import CancellationType
from tests import make, money, subscriptions
from tests.make import Made
from tests.money import Card
from tests.statements import dies_at_await, dies_at_statement
from tests.subscriptions import MONTHLY, Mold, Story

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HALF = datetime(2031, 2, 14, 9, 30, tzinfo=UTC)
END = datetime(2031, 2, 28, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Dies = Callable[[int, Awaitable[Any]], Awaitable[bool]]
# Every statement is waited for: the other way sees less, sooner, and is enough where only the end differs.
wherever = pytest.mark.parametrize("dies", [dies_at_await])


@dataclass
class Subscriber:
    """Somebody to whom something is about to happen, and the request that asks for it."""

    customer: str
    id: UUID = field(default_factory=uuid4)
    request: UUID = field(default_factory=uuid4)


Prepare = Callable[[], Awaitable[Subscriber]]
Work = Callable[[Subscriber], Awaitable[Any]]


class Shop:
    """Plans, and subscribers of whom all that happens happens at the same instants."""

    def __init__(self, tenant: Tenant, small: str, large: str, tried: str) -> None:
        self.tenant, self.small, self.large, self.tried = tenant, small, large, tried

    async def newcomer(self, card: Card = Card.SUCCEEDS) -> Subscriber:
        """Return somebody who has a card, and nothing else yet."""
        await make.freeze_clock(self.tenant, AT)
        return Subscriber(await money.customer(self.tenant, card))

    async def subscriber(self, card: Card = Card.SUCCEEDS, plan: str | None = None) -> Subscriber:
        """Return somebody who subscribed on the last day of January, and pays with this card from then on."""
        who = await self.newcomer()
        who.id = (await subscriptions.subscribe(self.tenant, plan or self.small, who.customer)).id
        if card is not Card.SUCCEEDS:
            await money.save_card(self.tenant, who.customer, card)
        return who

    async def alike(self, who: Subscriber) -> Prepare:
        """Return what makes others who are where this one is."""
        mold = await Mold.of(self.tenant, who.customer)

        async def prepare() -> Subscriber:
            return Subscriber(*await mold.copy(who.id))

        return prepare

    async def change(self, who: Subscriber, plan: str, **fields: Any) -> UUID:
        return await subscriptions.change(self.tenant, who.id, plan, **fields)

    async def carry_out_due(self, who: Subscriber) -> None:
        """Do what a worker does about what is due, once, one after the other."""
        for id in await take_due(self.tenant, 10):
            await carry_out_due(self.tenant, id)

    async def clear_up(self, who: Subscriber, again: Work | None, turn: int, at: datetime) -> None:
        """Let everybody come who goes on where somebody died, in one of several orders; and an hour pass."""
        await subscriptions.let_leases_end(self.tenant)
        comes = [lambda: subscriptions.do_due(self.tenant), money.sweep]
        if again is not None:
            comes.append(lambda: go_on(again(who)))
        for place in range(len(comes)):
            await comes[(place + turn) % len(comes)]()
        await make.freeze_clock(self.tenant, at + HOUR)
        await subscriptions.do_due(self.tenant)

    async def survives(self, dies: Dies, prepare: Prepare, work: Work, at: datetime, *, again: bool = False) -> Story:
        """Let somebody die at each place in turn; fail unless the end is the same as without; return the end."""
        await make.freeze_clock(self.tenant, at)
        # Whoever the others are made after has it behind them.
        await subscriptions.do_due(self.tenant)
        end = None
        place, died = 0, True
        while died:
            who = await prepare()
            await make.freeze_clock(self.tenant, at)
            if place == 0:
                await go_on(work(who))
            else:
                died = await dies(place, go_on(work(who)))
            await self.clear_up(who, work if again else None, place, at)
            told = await subscriptions.story(self.tenant, who.customer)
            end = end or told
            assert told == end, place
            place += 1
        assert end is not None
        assert place > 12
        await money.assert_books_right(self.tenant)
        return end


async def go_on(request: Awaitable[Any]) -> Any:
    """Do what is asked for, or return what refuses it."""
    try:
        return await request
    except Refusal as refusal:
        return refusal


@pytest.fixture
async def shop(made: Made) -> Shop:
    await make.freeze_clock(made.sandbox, AT)
    small = await subscriptions.plan(made.sandbox, (MONTHLY, 2800))
    large = await subscriptions.plan(made.sandbox, (MONTHLY, 8400), (ChargePeriod.YEARLY, 84000))
    return Shop(made.sandbox, small, large, await subscriptions.plan(made.sandbox, (MONTHLY, 2800), trial_days=14))


@pytest.mark.parametrize(
    ("dies", "card", "paid", "status"),
    [
        (dies_at_await, Card.SUCCEEDS, "COMPLETE", "active"),
        (dies_at_statement, Card.FAILS_LATER, "PENDING", "past_due"),
        (dies_at_statement, Card.LOSES_THE_ANSWER, "COMPLETE", "active"),
        (dies_at_statement, Card.ANSWERS_LATE, "COMPLETE", "active"),
        (dies_at_statement, Card.DECLINES_LATE, "PENDING", "past_due"),
    ],
)
async def test_wherever_a_renewal_dies_its_period_is_billed_once(
    shop: Shop, dies: Dies, card: Card, paid: str, status: str
) -> None:
    end = await shop.survives(dies, await shop.alike(await shop.subscriber(card)), shop.carry_out_due, END)
    assert [order[0] for order in end.money.orders] == [paid]
    assert end.periods == ["2031-02-28T09:30:00+00:00"]
    assert len(end.money.gateway) == 1
    assert end.statuses == [status]


@pytest.mark.parametrize(
    ("dies", "card", "status"),
    [(dies_at_await, Card.SUCCEEDS, "active"), (dies_at_statement, Card.FAILS_LATER, "past_due")],
)
async def test_wherever_a_retry_dies_the_card_is_tried_once_that_day(
    shop: Shop, dies: Dies, card: Card, status: str
) -> None:
    alike = await shop.alike(await shop.subscriber(Card.FAILS_LATER))

    async def owing() -> Subscriber:
        who = await alike()
        await make.freeze_clock(shop.tenant, END)
        await subscriptions.do_due(shop.tenant)
        await money.save_card(shop.tenant, who.customer, card)
        return who

    end = await shop.survives(dies, owing, shop.carry_out_due, END + DAY)
    assert [payment[0] for payment in end.money.gateway] == ["failed", "succeeded" if status == "active" else "failed"]
    assert end.statuses == [status]
    assert end.records[0]["retries"] == (1 if status == "past_due" else 0)


@wherever
async def test_wherever_somebody_dies_who_gives_up_what_is_owed_it_is_given_up_once(shop: Shop, dies: Dies) -> None:
    who = await shop.subscriber()
    await subscriptions.delete_card(shop.tenant, who.customer)
    alike = await shop.alike(who)

    async def owing() -> Subscriber:
        who = await alike()
        for day in (0, 1, 2, 3, 5, 7, 9, 11):
            await make.freeze_clock(shop.tenant, END + day * DAY)
            await subscriptions.do_due(shop.tenant)
        await make.freeze_clock(shop.tenant, END + 14 * DAY)
        await shop.carry_out_due(who)
        assert (await subscriptions.read(shop.tenant, who.id)).retries == 8
        return who

    end = await shop.survives(dies, owing, shop.carry_out_due, END + 14 * DAY)
    assert end.statuses == ["canceled"]
    assert end.money.invoices == ["VOID"]
    assert end.told["subscription.cancelled"] == 1


@pytest.mark.parametrize(
    ("dies", "card", "paid"),
    [(dies_at_await, Card.SUCCEEDS, "COMPLETE"), (dies_at_statement, Card.FAILS_LATER, "PENDING")],
)
async def test_wherever_an_ending_dies_the_last_invoice_is_charged_once(
    shop: Shop, dies: Dies, card: Card, paid: str
) -> None:
    who = await shop.subscriber(card)
    await make.freeze_clock(shop.tenant, HALF)
    who.id = await shop.change(who, shop.large, proration=ProrationBehavior.PRORATE_NEXT_INVOICE)
    await subscriptions.cancel(shop.tenant, who.id, CancellationType.CURRENT_PERIOD_ENDS)
    end = await shop.survives(dies, await shop.alike(who), shop.carry_out_due, END)
    assert end.statuses == ["superseded", "canceled"]
    # Half of 84.00 less half of 28.00.
    assert [(order[0], order[1]) for order in end.money.orders] == [(paid, 2800)]
    assert end.told["subscription.cancelled"] == 1


@pytest.mark.parametrize(
    ("dies", "card", "paid", "status"),
    [
        (dies_at_await, Card.SUCCEEDS, "COMPLETE", "active"),
        (dies_at_statement, Card.FAILS_LATER, "PENDING", "past_due"),
        (dies_at_statement, Card.LOSES_THE_ANSWER, "COMPLETE", "active"),
        (dies_at_statement, Card.DECLINES_LATE, "PENDING", "past_due"),
    ],
)
async def test_wherever_an_upgrade_dies_the_difference_is_charged_once(
    shop: Shop, dies: Dies, card: Card, paid: str, status: str
) -> None:
    async def upgrade(who: Subscriber) -> UUID:
        return await shop.change(who, shop.large, request_id=who.request)

    end = await shop.survives(dies, await shop.alike(await shop.subscriber(card)), upgrade, HALF, again=True)
    assert end.statuses == ["superseded", status]
    assert [(order[0], order[1]) for order in end.money.orders] == [(paid, 2800)]
    assert len(end.money.gateway) == 1
    assert end.told["subscription.plan_changed"] == 1


@wherever
async def test_wherever_a_downgrade_dies_the_difference_is_credited_once(shop: Shop, dies: Dies) -> None:
    async def downgrade(who: Subscriber) -> UUID:
        return await shop.change(who, shop.small, request_id=who.request)

    alike = await shop.alike(await shop.subscriber(plan=shop.large))
    end = await shop.survives(dies, alike, downgrade, HALF, again=True)
    assert end.statuses == ["superseded", "active"]
    assert (end.credits, end.money.credit) == ([-2800], 2800)


async def test_wherever_an_update_dies_what_was_due_before_it_is_done_once(shop: Shop) -> None:
    async def upgrade(who: Subscriber) -> UUID:
        return await shop.change(who, shop.large, request_id=who.request)

    alike = await shop.alike(await shop.subscriber())
    end = await shop.survives(dies_at_statement, alike, upgrade, END, again=True)
    assert sorted((order[0], order[1]) for order in end.money.orders) == [("COMPLETE", 2800), ("COMPLETE", 5600)]


@pytest.mark.parametrize(
    ("dies", "card", "paid", "statuses"),
    [
        (dies_at_await, Card.SUCCEEDS, "COMPLETE", ["superseded", "active"]),
        (dies_at_statement, Card.FAILS_LATER, "FAILED", ["active", "incomplete_expired"]),
        (dies_at_statement, Card.ASKS_FOR_AUTHENTICATION, "PENDING", ["active", "incomplete"]),
        (dies_at_statement, Card.ANSWERS_LATE, "COMPLETE", ["superseded", "active"]),
    ],
)
async def test_wherever_an_update_dies_that_is_to_be_paid_first_it_is_charged_once(
    shop: Shop, dies: Dies, card: Card, paid: str, statuses: list[str]
) -> None:
    async def upgrade(who: Subscriber) -> UUID:
        return await shop.change(who, shop.large, activates_on_payment=True, request_id=who.request)

    end = await shop.survives(dies, await shop.alike(await shop.subscriber(card)), upgrade, HALF, again=True)
    assert end.statuses == statuses
    assert [order[0] for order in end.money.orders] == [paid]
    assert len(end.money.gateway) == 1


async def waiting(shop: Shop) -> Prepare:
    """Return what makes those whose update waits for their authentication."""
    alike = await shop.alike(await shop.subscriber(Card.ASKS_FOR_AUTHENTICATION))

    async def prepare() -> Subscriber:
        who = await alike()
        await make.freeze_clock(shop.tenant, HALF)
        await shop.change(who, shop.large, activates_on_payment=True)
        return who

    return prepare


async def test_wherever_somebody_dies_who_lets_an_update_expire_nothing_of_it_is_left(shop: Shop) -> None:
    at = HALF + 23 * HOUR
    end = await shop.survives(dies_at_statement, await waiting(shop), shop.carry_out_due, at)
    assert end.statuses == ["active", "incomplete_expired"]
    assert end.money.invoices == ["VOID"]


@pytest.mark.parametrize(
    ("dies", "type", "waits"),
    [
        (dies_at_await, CancellationType.IMMEDIATE, False),
        (dies_at_statement, CancellationType.CURRENT_PERIOD_ENDS, False),
        (dies_at_statement, CancellationType.IMMEDIATE, True),
    ],
)
async def test_wherever_a_cancellation_dies_it_is_whole_or_nothing(
    shop: Shop, dies: Dies, type: CancellationType, waits: bool
) -> None:
    """Where an update waits for its payment, that comes to nothing; where something waits to be invoiced, it is."""
    if waits:
        prepare = await waiting(shop)
    else:
        who = await shop.subscriber()
        await make.freeze_clock(shop.tenant, HALF)
        who.id = await shop.change(who, shop.large, proration=ProrationBehavior.PRORATE_NEXT_INVOICE)
        prepare = await shop.alike(who)

    async def cancel(who: Subscriber) -> None:
        await subscriptions.cancel(shop.tenant, who.id, type)

    end = await shop.survives(dies, prepare, cancel, HALF + HOUR, again=True)
    ended = "canceled" if type is CancellationType.IMMEDIATE else "active"
    assert end.statuses == ([ended, "incomplete_expired"] if waits else ["superseded", ended])
    assert len(end.money.gateway) == (1 if waits or ended == "canceled" else 0)


@pytest.mark.parametrize(
    ("dies", "card", "on_trial", "status"),
    [
        (dies_at_await, Card.SUCCEEDS, False, "active"),
        (dies_at_statement, Card.FAILS_LATER, False, None),
        (dies_at_statement, Card.ASKS_FOR_AUTHENTICATION, False, "incomplete"),
        (dies_at_statement, Card.SUCCEEDS, True, "trialing"),
    ],
)
async def test_wherever_a_purchase_dies_it_is_charged_once(
    shop: Shop, dies: Dies, card: Card, on_trial: bool, status: str | None
) -> None:
    plan = shop.tried if on_trial else shop.small

    async def buy(who: Subscriber) -> UUID:
        return (await subscriptions.subscribe(shop.tenant, plan, who.customer, request=who.request)).id

    end = await shop.survives(dies, await shop.alike(await shop.newcomer(card)), buy, AT, again=True)
    # Of what was declined there is no subscription that anybody could have heard of.
    assert end.statuses == ([] if status is None else [status])
    assert len(end.money.gateway) == (0 if on_trial else 1)
    assert len(end.money.orders) == 1
