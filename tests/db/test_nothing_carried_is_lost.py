"""What a change leaves to the next invoice is invoiced, by whichever invoice is the next, and if it is the last one."""

from datetime import UTC, datetime, timedelta

import pytest

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.platform.database import Tenant
from kelviq_server.subscriptions.changes.records import EndTrial, ProrationBehavior
from kelviq_server.subscriptions.endings.records import CancellationType
from tests import make, money, subscriptions
from tests.make import Made
from tests.subscriptions import MONTHLY

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HALF = datetime(2031, 2, 14, 9, 30, tzinfo=UTC)
END = datetime(2031, 2, 28, 9, 30, tzinfo=UTC)
LATER = ProrationBehavior.PRORATE_NEXT_INVOICE
DAY = timedelta(days=1)


class Shop:
    """Two plans, and one that is bought once."""

    def __init__(self, tenant: Tenant, small: str, large: str, once: str) -> None:
        self.tenant, self.small, self.large, self.once = tenant, small, large, once


@pytest.fixture
async def shop(made: Made) -> Shop:
    await make.freeze_clock(made.sandbox, AT)
    return Shop(
        made.sandbox,
        await subscriptions.plan(made.sandbox, (MONTHLY, 2800)),
        await subscriptions.plan(made.sandbox, (MONTHLY, 8400)),
        await subscriptions.plan(made.sandbox, (ChargePeriod.ONE_TIME, 20000)),
    )


@pytest.mark.parametrize(
    ("first", "then", "paid", "credit"),
    [("small", "large", [2800, 2800], 0), ("large", "small", [8400], 2800)],
)
async def test_what_waits_is_invoiced_when_a_subscription_ends(
    shop: Shop, first: str, then: str, paid: list[int], credit: int
) -> None:
    customer = await money.customer(shop.tenant)
    had = await subscriptions.subscribe(shop.tenant, getattr(shop, first), customer)
    await make.freeze_clock(shop.tenant, HALF)
    id = await subscriptions.change(shop.tenant, had.id, getattr(shop, then), proration=LATER)
    await subscriptions.cancel(shop.tenant, id, CancellationType.IMMEDIATE)
    await subscriptions.do_due(shop.tenant)
    kept = await money.kept(shop.tenant, customer)
    assert ([order[3] for order in kept.orders], kept.credit) == (paid, credit)
    await money.assert_books_right(shop.tenant)


@pytest.mark.parametrize("how", [CancellationType.IMMEDIATE, CancellationType.CURRENT_PERIOD_ENDS])
async def test_what_waits_is_invoiced_when_a_trial_ends_that_began_within_a_period(
    shop: Shop, how: CancellationType
) -> None:
    """The trial gives back the rest of the period, with the next invoice; without one there would be none."""
    customer = await money.customer(shop.tenant)
    had = await subscriptions.subscribe(shop.tenant, shop.large, customer)
    await make.freeze_clock(shop.tenant, HALF)
    trial = EndTrial(HALF + 30 * DAY)
    id = await subscriptions.change(shop.tenant, had.id, shop.large, proration=LATER, end_trial=trial)
    await subscriptions.cancel(shop.tenant, id, how)
    await make.freeze_clock(shop.tenant, HALF + 30 * DAY)
    await subscriptions.do_due(shop.tenant)
    story = await subscriptions.story(shop.tenant, customer)
    assert story.statuses == ["superseded", "canceled"]
    assert (story.credits, story.money.credit) == ([-4200], 4200)
    await money.assert_books_right(shop.tenant)


async def test_what_waits_is_invoiced_with_the_first_period_after_a_trial(shop: Shop) -> None:
    customer = await money.customer(shop.tenant)
    had = await subscriptions.subscribe(shop.tenant, shop.large, customer)
    await make.freeze_clock(shop.tenant, HALF)
    trial = EndTrial(HALF + 30 * DAY)
    await subscriptions.change(shop.tenant, had.id, shop.large, proration=LATER, end_trial=trial)
    await make.freeze_clock(shop.tenant, HALF + 30 * DAY)
    await subscriptions.do_due(shop.tenant)
    kept = await money.kept(shop.tenant, customer)
    assert [order[3] for order in kept.orders] == [8400, 4200]
    await money.assert_books_right(shop.tenant)


@pytest.mark.parametrize(
    ("proration", "paid"),
    [
        (ProrationBehavior.IMMEDIATE_CHARGE, 20000 - 4200),
        (LATER, 20000 - 4200),
        (ProrationBehavior.NO_PRORATION, 20000),
    ],
)
async def test_what_is_bought_once_has_no_next_invoice_that_the_difference_could_wait_for(
    shop: Shop, proration: ProrationBehavior, paid: int
) -> None:
    customer = await money.customer(shop.tenant)
    had = await subscriptions.subscribe(shop.tenant, shop.large, customer)
    await make.freeze_clock(shop.tenant, HALF)
    preview = await subscriptions.preview(shop.tenant, had.id, shop.once, ChargePeriod.ONE_TIME, proration=proration)
    await subscriptions.change(shop.tenant, had.id, shop.once, ChargePeriod.ONE_TIME, proration=proration)
    story = await subscriptions.story(shop.tenant, customer)
    assert [order[3] for order in story.money.orders] == [8400, paid]
    assert preview.invoice is not None
    assert preview.invoice.due_units == paid
    assert story.records[1]["carried"] == []
    await money.assert_books_right(shop.tenant)
