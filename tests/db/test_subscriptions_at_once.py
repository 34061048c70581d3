"""Whatever happens to subscriptions at once: nobody is billed twice, and nobody is missed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from uuid import UUID

import pytest

from kelviq_server.platform.database import reading
from kelviq_server.subscriptions.endings.records import CancellationType
from kelviq_server.subscriptions.life.errors import SubscriptionReplaced
from tests import make, money, subscriptions
from tests.db.at_once import at_once
from tests.db.subscribers import END, HALF, Shop, assert_paid_once, invoiced, named, open_shop
from tests.make import Made
from tests.money import Card

MARCH = "2031-02-28T09:30:00+00:00"
IMMEDIATE, AT_PERIOD_END = CancellationType.IMMEDIATE, CancellationType.CURRENT_PERIOD_ENDS

pytestmark = pytest.mark.usefixtures("one_slot")


@pytest.fixture
async def shop(made: Made) -> Shop:
    return await open_shop(made)


@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.FAILS_LATER, Card.LOSES_THE_ANSWER])
async def test_of_two_changes_at_once_one_takes_effect_and_the_other_is_told_the_new_id(shop: Shop, card: Card) -> None:
    ids = await shop.subscribers(8, card=card)
    await make.freeze_clock(shop.tenant, HALF)
    for_one = [[subscriptions.change(shop.tenant, id, shop.plans[plan]) for plan in ("large", "huge")] for id in ids]
    pairs = await asyncio.gather(*(asyncio.gather(*pair, return_exceptions=True) for pair in for_one))
    await shop.clear_up()
    for id, pair in zip(ids, pairs, strict=True):
        [new] = [each for each in pair if isinstance(each, UUID)]
        [refusal] = [each for each in pair if not isinstance(each, UUID)]
        assert isinstance(refusal, SubscriptionReplaced)
        assert named(refusal) == new
        story = await shop.story(id)
        assert story.statuses == ["superseded", "past_due" if card is Card.FAILS_LATER else "active"]
        # Half of 84.00 or of 112.00, less half of 28.00.
        assert invoiced(story) == (2800 if pair[0] == new else 4200)
        assert len(story.money.orders) == len(story.money.gateway) == 1
        assert story.told["subscription.plan_changed"] == 1


async def test_of_two_changes_at_once_that_are_paid_first_one_waits_or_takes_effect(shop: Shop) -> None:
    ids = await shop.subscribers(8)
    await make.freeze_clock(shop.tenant, HALF)
    came = await at_once(
        *(
            subscriptions.change(shop.tenant, id, shop.plans[plan], activates_on_payment=True)
            for id in ids
            for plan in ("large", "huge")
        )
    )
    assert came.pop("") == 8
    assert set(came) <= {"ChangeWaits", "SubscriptionReplaced"}
    await shop.clear_up()
    for id in ids:
        story = await shop.story(id)
        assert story.statuses == ["superseded", "active"]
        assert len(story.money.orders) == 1
        assert_paid_once(story)


async def test_changes_one_after_the_other_of_whatever_is_newest_bill_each_stretch_once(shop: Shop) -> None:
    ids = await shop.subscribers(4)
    await make.freeze_clock(shop.tenant, HALF)
    plans = ("medium", "large", "huge")
    came = await at_once(*(shop.change_newest(id, plan) for id in ids for plan in plans))
    assert came == {"": 12}
    await shop.clear_up()
    for id in ids:
        story = await shop.story(id)
        assert story.statuses == ["superseded"] * 3 + ["active"]
        # Whichever came last: the rest of the period is paid at what that costs, and was paid at 28.00.
        assert invoiced(story) == (story.records[-1]["amount_units"] - 2800) // 2
        assert_paid_once(story)


@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.LOSES_THE_ANSWER])
@pytest.mark.parametrize("first", ["change", "renewal"])
async def test_a_change_beside_the_renewal_bills_the_new_period_once(shop: Shop, first: str, card: Card) -> None:
    ids = await shop.subscribers(8, card=card)
    await make.freeze_clock(shop.tenant, END)
    works: list[Awaitable[object]] = []
    for id in ids:
        pair = [shop.change(id, "large"), shop.renew(id)]
        works += pair if first == "change" else reversed(pair)
    came = await at_once(*works)
    assert came == {"": 16}
    await shop.clear_up()
    for id in ids:
        story = await shop.story(id)
        assert story.statuses == ["superseded", "active"]
        assert story.periods == [None, MARCH] or story.periods == [MARCH, None]
        # The renewal at 28.00, and the difference of the whole period.
        assert sorted(order[1] for order in story.money.orders) == [2800, 5600]
        assert_paid_once(story)


@pytest.mark.parametrize("type", [IMMEDIATE, AT_PERIOD_END])
@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.FAILS_LATER, Card.LOSES_THE_ANSWER, None])
async def test_a_cancellation_beside_the_renewal_comes_before_or_after_it(
    shop: Shop, card: Card | None, type: CancellationType
) -> None:
    ids = await shop.subscribers(12, card=card)
    await make.freeze_clock(shop.tenant, END)
    works: list[Awaitable[object]] = []
    for number, id in enumerate(ids):
        pair = [subscriptions.cancel(shop.tenant, id, type), shop.renew(id)]
        works += pair if number % 2 else reversed(pair)
    assert await at_once(*works) == {"": 24}
    await shop.clear_up()
    renewed = 0
    for id in ids:
        story = await shop.story(id)
        [record] = story.records
        if not story.money.orders:
            # Ended, and never renewed.
            assert (record["status"], record["period_index"]) == ("canceled", 0)
            assert story.money.gateway == []
        else:
            renewed += 1
            assert record["period_index"] == 1
            assert story.periods == [MARCH]
            ends = "2031-02-28T09:30:00+00:00" if type is IMMEDIATE else "2031-03-31T09:30:00+00:00"
            assert record["ends_at"] == ends
            assert (record["status"] == "canceled") == (type is IMMEDIATE)
            if card in {Card.SUCCEEDS, Card.LOSES_THE_ANSWER}:
                assert_paid_once(story)
        assert story.told.get("subscription.cancelled", 0) == (record["status"] == "canceled")
    assert 0 < renewed < 12, "both have happened"


async def test_six_workers_renew_two_hundred_once_each(shop: Shop) -> None:
    ids = await shop.subscribers(200)
    await make.freeze_clock(shop.tenant, END)
    taken = await asyncio.gather(*(shop.work(6) for _ in range(6)))
    assert sum(bool(each) for each in taken) > 1
    assert Counter(id for each in taken for id in each) == Counter(ids)
    async with reading(shop.tenant) as tx:
        found = await tx.value(
            "SELECT json_agg(json_build_array(s.period_index, (SELECT count(*) FROM orders AS o"
            "  WHERE o.tenant_id = s.tenant_id AND o.lineage_id = s.lineage_id AND o.status = 'COMPLETE')))"
            " FROM subscriptions AS s WHERE tenant_id = %s AND status = 'active'",
            (shop.tenant.id,),
        )
        payments = await tx.value(
            "SELECT count(*) FROM sandbox_payments WHERE tenant_id = %s AND created_at >= %s", (shop.tenant.id, END)
        )
    assert found == [[1, 1]] * 200
    assert payments == 200
    await money.assert_books_right(shop.tenant)


@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.FAILS_LATER, Card.LOSES_THE_ANSWER])
async def test_many_who_renew_the_same_subscription_at_once_bill_it_once(shop: Shop, card: Card) -> None:
    [id] = await shop.subscribers(1, card=card)
    await make.freeze_clock(shop.tenant, END)
    # As when leases have ended, and those who had them live on.
    assert await at_once(*(shop.renew(id) for _ in range(10))) == {"": 10}
    await shop.clear_up()
    story = await shop.story(id)
    assert story.periods == [MARCH]
    assert len(story.money.gateway) == len(story.money.orders) == 1
    assert story.statuses == ["past_due" if card is Card.FAILS_LATER else "active"]
