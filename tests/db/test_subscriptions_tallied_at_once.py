"""Whoever changes how many subscriptions stand where waits for nobody for ever, with all counted in the same rows."""

from collections.abc import Awaitable, Sequence
from uuid import UUID

import pytest

from kelviq_server.subscriptions.changes.records import ProrationBehavior
from kelviq_server.subscriptions.endings.records import CancellationType
from tests import make, money, subscriptions
from tests.db.at_once import at_once
from tests.db.subscribers import END, HALF, Shop, open_shop
from tests.make import Made
from tests.money import Card

pytestmark = pytest.mark.usefixtures("one_slot")


@pytest.fixture
async def shop(made: Made) -> Shop:
    return await open_shop(made)


async def test_whatever_lets_subscriptions_begin_be_replaced_owe_and_end_is_counted_at_once(shop: Shop) -> None:
    poor = await shop.subscribers(6, card=None)
    failing = await shop.subscribers(6, card=Card.FAILS_LATER)
    tried = await shop.subscribers(6, "tried", None)
    rich = await shop.subscribers(12)
    leaving = await shop.subscribers(6)
    trying = await shop.subscribers(6, "tried")
    new = [await money.customer(shop.tenant) for _ in range(6)]
    await make.freeze_clock(shop.tenant, END)
    rest: list[Sequence[Awaitable[object]]] = [
        [shop.renew(id) for id in (*poor, *tried, *failing)],
        [shop.change(id, "large") for id in rich[:6]],
        [shop.change(id, "large", activates_on_payment=True) for id in rich[6:]],
        [subscriptions.cancel(shop.tenant, id, CancellationType.IMMEDIATE) for id in leaving],
        [shop.renew(id) for id in trying],
        [subscriptions.subscribe(shop.tenant, shop.plans["small"], who) for who in new],
    ]
    came = await at_once(*(work for turn in range(18) for works in rest for work in works[turn : turn + 1]))
    assert came == {"": 42, "active": 6}
    await shop.clear_up()


async def test_trials_that_end_unpaid_and_payments_that_fail_are_counted_at_once(shop: Shop) -> None:
    """The ones become active and then owe, within one transaction; the others owe at once."""
    tried = await shop.subscribers(12, "tried", None)
    failing = await shop.subscribers(12, card=Card.FAILS_LATER)
    await make.freeze_clock(shop.tenant, END)
    came = await at_once(*(shop.renew(id) for pair in zip(failing, tried, strict=True) for id in pair))
    assert came == {"": 24}
    await shop.clear_up()
    assert [(await shop.story(id)).statuses for id in (*tried, *failing)] == [["past_due"]] * 24


async def test_changes_that_were_paid_first_and_those_that_charge_nothing_are_counted_at_once(shop: Shop) -> None:
    """The ones waited before they take another's place; the others do so as soon as they are written."""
    paid, unpaid = await shop.subscribers(12), await shop.subscribers(12)
    await make.freeze_clock(shop.tenant, HALF)

    async def change_often(id: UUID) -> None:
        for plan in ("large", "medium", "huge"):
            id = await shop.change(id, plan, proration=ProrationBehavior.PRORATE_NEXT_INVOICE)

    works: list[Awaitable[object]] = []
    for first, second in zip(paid, unpaid, strict=True):
        works += [shop.change(first, "large", activates_on_payment=True), change_often(second)]
    assert await at_once(*works) == {"": 24}
    await shop.clear_up()
    assert [(await shop.story(id)).statuses for id in paid] == [["superseded", "active"]] * 12
    assert [(await shop.story(id)).statuses for id in unpaid] == [["superseded"] * 3 + ["active"]] * 12
