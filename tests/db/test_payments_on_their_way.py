"""While nobody knows how a payment ends, its subscription is not changed, nothing is credited, and no request hangs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.core.errors import Refusal
from kelviq_server.platform.database import Tenant
from kelviq_server.subscriptions.changes.errors import PaymentUnderWay
from kelviq_server.subscriptions.cycles.jobs import SUBSCRIPTIONS
from kelviq_server.subscriptions.endings.actions.keep_subscription import keep_subscription
from kelviq_server.subscriptions.endings.errors import CancellationDatePast
from kelviq_server.subscriptions.endings.records import CancellationType
from kelviq_server.subscriptions.life.records import SubscriptionStatus
from tests import make, money, subscriptions
from tests.make import Made
from tests.money import Card
from tests.silent_gateway import SilentGateway, pays_through_it, silent_gateway
from tests.statements import dies_at_statement
from tests.subscriptions import MONTHLY

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HALF = datetime(2031, 2, 14, 9, 30, tzinfo=UTC)
END = datetime(2031, 2, 28, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Shop:
    """Two plans, and somebody who has the large one."""

    def __init__(self, tenant: Tenant, small: str, large: str, customer: str) -> None:
        self.tenant, self.small, self.large, self.customer = tenant, small, large, customer

    async def pass_to(self, at: datetime) -> None:
        """Let time pass, and whatever falls due be done."""
        await make.freeze_clock(self.tenant, at)
        await subscriptions.do_due(self.tenant)

    async def statuses(self) -> list[str]:
        return (await subscriptions.story(self.tenant, self.customer)).statuses


@pytest.fixture
async def shop(made: Made) -> Shop:
    await make.freeze_clock(made.sandbox, AT)
    small = await subscriptions.plan(made.sandbox, (MONTHLY, 2800))
    large = await subscriptions.plan(made.sandbox, (MONTHLY, 8400))
    return Shop(made.sandbox, small, large, await money.customer(made.sandbox))


@pytest.fixture
async def silent() -> AsyncIterator[SilentGateway]:
    with silent_gateway() as gateway:
        yield gateway


@pytest.mark.parametrize("card", [Card.ANSWERS_LATE, Card.DECLINES_LATE])
async def test_what_may_never_be_paid_is_not_credited(shop: Shop, card: Card) -> None:
    """Else whoever changes to less while a payment is on its way would have credit for what the bank refuses."""
    had = await subscriptions.subscribe(shop.tenant, shop.large, shop.customer)
    await money.save_card(shop.tenant, shop.customer, card)
    await shop.pass_to(END)
    for activates in (False, True):
        with pytest.raises(PaymentUnderWay):
            await subscriptions.change(shop.tenant, had.id, shop.small, activates_on_payment=activates)
    with pytest.raises(PaymentUnderWay):
        await subscriptions.preview(shop.tenant, had.id, shop.small)
    await shop.pass_to(END + HOUR)
    kept = await money.kept(shop.tenant, shop.customer)
    assert (kept.credit, len(kept.orders)) == (0, 2)
    if card is Card.ANSWERS_LATE:
        await subscriptions.change(shop.tenant, had.id, shop.small)
        assert await shop.statuses() == ["superseded", "active"]
    else:
        assert await shop.statuses() == ["past_due"]
        await money.save_card(shop.tenant, shop.customer, Card.SUCCEEDS)
        # A day after the bank refused, the card is asked again.
        await shop.pass_to(END + HOUR + DAY)
        assert await shop.statuses() == ["active"]
    await money.assert_books_right(shop.tenant)


async def test_of_an_update_that_died_the_payment_ends_before_the_next_one(shop: Shop) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await make.freeze_clock(shop.tenant, HALF)
    at, statuses = 1, ["active"]
    while statuses == ["active"]:
        await dies_at_statement(at, subscriptions.change(shop.tenant, had.id, shop.large))
        at, statuses = at + 1, await shop.statuses()
    current = await subscriptions.current(shop.tenant, had.lineage_id)
    with pytest.raises(PaymentUnderWay):
        await subscriptions.change(shop.tenant, current, shop.small)
    await money.sweep()
    await subscriptions.change(shop.tenant, current, shop.small)
    kept = await money.kept(shop.tenant, shop.customer)
    assert [payment[1] for payment in kept.gateway] == [2800, 2800]
    assert kept.credit == 2800
    await money.assert_books_right(shop.tenant)


async def test_an_update_does_not_wait_for_a_gateway_that_says_nothing(shop: Shop, silent: SilentGateway) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await pays_through_it(shop.tenant)
    await make.freeze_clock(shop.tenant, END)
    with pytest.raises(PaymentUnderWay):
        await subscriptions.change(shop.tenant, had.id, shop.large)
    assert len(silent.asked) < 10
    assert (await subscriptions.read(shop.tenant, had.id)).period_start == END
    silent.is_silent = False
    await subscriptions.change(shop.tenant, had.id, shop.large)
    kept = await money.kept(shop.tenant, shop.customer)
    assert sorted(order[:2] for order in kept.orders) == [("COMPLETE", 2800), ("COMPLETE", 2800), ("COMPLETE", 5600)]
    await money.assert_books_right(shop.tenant)


async def test_a_preview_is_of_what_there_is_once_all_is_done_that_is_due(shop: Shop, silent: SilentGateway) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await make.freeze_clock(shop.tenant, END + HOUR)
    preview = await subscriptions.preview(shop.tenant, had.id, shop.large)
    await subscriptions.change(shop.tenant, had.id, shop.large)
    kept = await money.kept(shop.tenant, shop.customer)
    assert preview.invoice is not None
    assert sorted(order[3] for order in kept.orders) == [2800, 2800, preview.invoice.due_units]
    await make.freeze_clock(shop.tenant, END + 60 * DAY)
    await pays_through_it(shop.tenant)
    current = await subscriptions.current(shop.tenant, had.lineage_id)
    with pytest.raises(PaymentUnderWay):
        await subscriptions.preview(shop.tenant, current, shop.small)


async def test_a_clock_waits_for_a_gateway_that_says_nothing_and_bills_once(shop: Shop, silent: SilentGateway) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await pays_through_it(shop.tenant)
    await make.freeze_clock(shop.tenant, END)
    for _ in range(3):
        await subscriptions.let_leases_end(shop.tenant)
        await subscriptions.do_due(shop.tenant)
        assert (await subscriptions.read(shop.tenant, had.id)).due_at == END
    silent.is_silent = False
    await subscriptions.let_leases_end(shop.tenant)
    await subscriptions.do_due(shop.tenant)
    story = await subscriptions.story(shop.tenant, shop.customer)
    assert (story.statuses, len(story.money.gateway), len(story.money.orders)) == (["active"], 2, 2)
    await money.assert_books_right(shop.tenant)


async def test_what_waits_for_a_payment_nobody_knows_of_is_not_ended_under_it(
    shop: Shop, silent: SilentGateway
) -> None:
    """Else the update that turns out to be paid would bring back what was cancelled."""
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await make.freeze_clock(shop.tenant, HALF)
    await pays_through_it(shop.tenant)
    waiting = await subscriptions.change(shop.tenant, had.id, shop.large, activates_on_payment=True)
    for id in (had.id, waiting):
        with pytest.raises(PaymentUnsettled):
            await subscriptions.cancel(shop.tenant, id, CancellationType.IMMEDIATE)
        assert await shop.statuses() == ["active", "incomplete"]
    silent.is_silent = False
    await subscriptions.cancel(shop.tenant, had.id, CancellationType.IMMEDIATE)
    assert await shop.statuses() == ["canceled", "incomplete_expired"]
    await subscriptions.let_leases_end(shop.tenant)
    await shop.pass_to(END)
    kept = await money.kept(shop.tenant, shop.customer)
    assert [order[0] for order in kept.orders] == ["COMPLETE", "FAILED"]
    await money.assert_books_right(shop.tenant)


@pytest.mark.parametrize("card", [Card.ANSWERS_LATE, Card.DECLINES_LATE])
async def test_a_first_purchase_that_is_cancelled_is_cancelled_though_it_turns_out_to_be_paid(
    shop: Shop, card: Card
) -> None:
    customer = await money.customer(shop.tenant, card)
    with pytest.raises(PaymentUnsettled):
        await subscriptions.subscribe(shop.tenant, shop.small, customer)
    [record] = (await subscriptions.story(shop.tenant, customer)).records
    assert record["status"] == SubscriptionStatus.INCOMPLETE
    id = await subscriptions.only(shop.tenant, customer)
    await subscriptions.cancel(shop.tenant, id, CancellationType.IMMEDIATE)
    story = await subscriptions.story(shop.tenant, customer)
    assert story.statuses == ["canceled" if card is Card.ANSWERS_LATE else "incomplete_expired"]
    await shop.pass_to(END)
    assert len((await money.kept(shop.tenant, customer)).orders) == 1
    await money.assert_books_right(shop.tenant)


async def test_who_cancels_what_a_paid_update_replaced_is_told_the_current_id(shop: Shop) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await money.save_card(shop.tenant, shop.customer, Card.ANSWERS_LATE)
    await make.freeze_clock(shop.tenant, HALF)
    waiting = await subscriptions.change(shop.tenant, had.id, shop.large, activates_on_payment=True)
    with pytest.raises(Refusal, match=str(waiting)):
        await subscriptions.cancel(shop.tenant, had.id, CancellationType.IMMEDIATE)
    assert await shop.statuses() == ["superseded", "active"]
    await subscriptions.cancel(shop.tenant, waiting, CancellationType.IMMEDIATE)
    assert await shop.statuses() == ["superseded", "canceled"]
    await money.assert_books_right(shop.tenant)


@pytest.mark.parametrize("names_update", [False, True])
async def test_who_stays_after_all_stays_when_an_update_is_paid_that_was_made_before(
    shop: Shop, names_update: bool
) -> None:
    """Else the update would bring back the end that stood when it was made."""
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await money.save_card(shop.tenant, shop.customer, Card.ANSWERS_LATE)
    await make.freeze_clock(shop.tenant, HALF)
    await subscriptions.cancel(shop.tenant, had.id, CancellationType.CURRENT_PERIOD_ENDS)
    waiting = await subscriptions.change(shop.tenant, had.id, shop.large, activates_on_payment=True)
    assert (await subscriptions.read(shop.tenant, waiting)).ends_at == END
    kept = await keep_subscription(shop.tenant, waiting if names_update else had.id)
    assert (kept.subscription.id, kept.subscription.ends_at) == (had.id, None)
    await shop.pass_to(HALF + HOUR)
    assert await shop.statuses() == ["superseded", "active"]
    now = await subscriptions.read(shop.tenant, waiting)
    assert (now.ends_at, now.canceled_at, now.cancellation_reason) == (None, None, None)


async def test_a_cancellation_that_is_refused_leaves_an_update_that_waits_alone(shop: Shop) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await money.save_card(shop.tenant, shop.customer, Card.ASKS_FOR_AUTHENTICATION)
    await make.freeze_clock(shop.tenant, HALF)
    await subscriptions.change(shop.tenant, had.id, shop.large, activates_on_payment=True)
    with pytest.raises(CancellationDatePast):
        await subscriptions.cancel(shop.tenant, had.id, CancellationType.SPECIFIC_DATE, (HALF - DAY).date())
    assert await shop.statuses() == ["active", "incomplete"]


async def test_a_gateway_that_does_not_answer_is_asked_to_call_something_off_once_in_a_while(
    shop: Shop, silent: SilentGateway
) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await make.freeze_clock(shop.tenant, HALF)
    await pays_through_it(shop.tenant)
    await subscriptions.change(shop.tenant, had.id, shop.large, activates_on_payment=True)
    await make.freeze_clock(shop.tenant, HALF + DAY)
    silent.asked.clear()
    for _ in range(5):
        await SUBSCRIPTIONS.carry_out(shop.tenant)
    assert silent.asked == ["cancel"]
    silent.is_silent = False
    await subscriptions.let_leases_end(shop.tenant)
    await shop.pass_to(HALF + DAY)
    assert await shop.statuses() == ["active", "incomplete_expired"]


async def test_an_update_asks_a_silent_gateway_once_to_call_off_what_waits(shop: Shop, silent: SilentGateway) -> None:
    had = await subscriptions.subscribe(shop.tenant, shop.small, shop.customer)
    await make.freeze_clock(shop.tenant, HALF)
    await pays_through_it(shop.tenant)
    await subscriptions.change(shop.tenant, had.id, shop.large, activates_on_payment=True)
    await make.freeze_clock(shop.tenant, END)
    for ask in (subscriptions.preview, subscriptions.change):
        silent.asked.clear()
        with pytest.raises(PaymentUnderWay):
            await ask(shop.tenant, had.id, shop.large)
        assert silent.asked == ["cancel"]
    silent.asked.clear()
    with pytest.raises(PaymentUnsettled):
        await subscriptions.cancel(shop.tenant, had.id, CancellationType.IMMEDIATE)
    assert silent.asked == ["cancel"]
