"""Many who subscribed at the same instant, to whom things happen at once."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kelviq_server.subscriptions.changes.errors import PaymentUnderWay
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.cycles.actions.take_due import take_due
from kelviq_server.subscriptions.endings.records import CancellationType
from kelviq_server.subscriptions.life.errors import SubscriptionReplaced
from tests import make, money, subscriptions
from tests.make import Made
from tests.money import Card
from tests.subscriptions import MONTHLY, Mold, Story

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
# Half of the period is left.
HALF = datetime(2031, 2, 14, 9, 30, tzinfo=UTC)
END = datetime(2031, 2, 28, 9, 30, tzinfo=UTC)
# Far more than anybody needs who meets others at the same subscription.
TRIES = 500


class Shop:
    """A sandbox with plans, and as many subscribers as wanted who began at the same instant."""

    def __init__(self, made: Made, plans: dict[str, str]) -> None:
        self.tenant, self.plans = made.sandbox, plans
        self.customers: dict[UUID, str] = {}

    async def subscribers(self, count: int, plan: str = "small", card: Card | None = Card.SUCCEEDS) -> list[UUID]:
        """Return the records of so many who pay with this card from now on, or with nothing."""
        await make.freeze_clock(self.tenant, AT)
        first = await money.customer(self.tenant)
        id = (await subscriptions.subscribe(self.tenant, self.plans[plan], first)).id
        if card is None:
            await subscriptions.delete_card(self.tenant, first)
        elif card is not Card.SUCCEEDS:
            await money.save_card(self.tenant, first, card)
        mold = await Mold.of(self.tenant, first)
        copies = await asyncio.gather(*(mold.copy(id) for _ in range(count)))
        self.customers |= {copy: customer for customer, copy in copies}
        await subscriptions.cancel(self.tenant, id, CancellationType.IMMEDIATE)
        return [copy for _, copy in copies]

    async def story(self, id: UUID) -> Story:
        """Return all that is kept about a subscriber."""
        return await subscriptions.story(self.tenant, self.customers[id])

    async def change(self, id: UUID, plan: str, **fields: Any) -> UUID:
        """Change a subscription, whose payment may be on its way for a moment."""
        for _ in range(TRIES):
            try:
                return await subscriptions.change(self.tenant, id, self.plans[plan], **fields)
            except PaymentUnderWay:
                continue
        raise AssertionError("the payment never ended")

    async def change_newest(self, id: UUID, plan: str) -> UUID:
        """Change a subscription by whatever id it has by now."""
        for _ in range(TRIES):
            try:
                return await self.change(id, plan)
            except SubscriptionReplaced as refusal:
                id = named(refusal)
        raise AssertionError("the subscription is never there")

    async def renew(self, id: UUID) -> None:
        """Do what a worker does about a record that it has taken."""
        await carry_out_due(self.tenant, id)

    async def work(self, batch: int) -> list[UUID]:
        """Take and do what is due until there is nothing left to take, as one of several; return what was taken."""
        taken: list[UUID] = []
        while ids := await take_due(self.tenant, batch):
            taken += ids
            await asyncio.gather(*(carry_out_due(self.tenant, id) for id in ids))
        return taken

    async def clear_up(self) -> None:
        """Let workers do what is left, and fail unless the books are right."""
        await subscriptions.let_leases_end(self.tenant)
        await subscriptions.do_due(self.tenant)
        await money.assert_books_right(self.tenant)


def named(refusal: Exception) -> UUID:
    """Return the id that a refusal names."""
    found = re.search(r"Its current id is (\S+)\.$", str(refusal))
    assert found is not None, refusal
    return UUID(found.group(1))


def invoiced(story: Story) -> int:
    """Return what all invoices came to, credits taken off."""
    return sum(order[1] for order in story.money.orders) + sum(story.credits)


def assert_paid_once(story: Story) -> None:
    """Fail unless the gateway took what each order comes to, once."""
    due = sorted(paid for _, _, _, paid, _ in story.money.orders if paid)
    assert sorted(units for status, units, _ in story.money.gateway if status == "succeeded") == due
    assert len(story.money.gateway) == len(due)


async def open_shop(made: Made) -> Shop:
    """Return a shop that sells by the month, and one plan with a trial that is as long as February."""
    await make.freeze_clock(made.sandbox, AT)
    prices = {"small": 2800, "medium": 5600, "large": 8400, "huge": 11200}
    plans = {name: await subscriptions.plan(made.sandbox, (MONTHLY, units)) for name, units in prices.items()}
    plans["tried"] = await subscriptions.plan(made.sandbox, (MONTHLY, 2800), trial_days=28)
    return Shop(made, plans)
