"""Of what is billed more often than cards are tried again much is owed at once: a card that works again pays it all."""

from datetime import UTC, datetime, timedelta

import pytest

from kelviq_server.core.calendar import ChargePeriod
from tests import make, money, subscriptions
from tests.make import Made
from tests.money import Card

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize("days", [3, 8, 14])
async def test_a_card_that_works_again_pays_all_that_is_owed_and_is_not_given_up(made: Made, days: int) -> None:
    """What is tried at once, since something was paid, uses up none of the eight tries."""
    await make.freeze_clock(made.sandbox, AT)
    plan = await subscriptions.plan(made.sandbox, (ChargePeriod.DAILY, 500))
    customer = await money.customer(made.sandbox)
    await subscriptions.subscribe(made.sandbox, plan, customer, ChargePeriod.DAILY)
    await money.save_card(made.sandbox, customer, Card.FAILS_LATER)
    # The first failure is that of the second day.
    await subscriptions.advance(made.sandbox, AT + days * DAY)
    await money.save_card(made.sandbox, customer, Card.SUCCEEDS)
    await subscriptions.advance(made.sandbox, AT + 15 * DAY)
    story = await subscriptions.story(made.sandbox, customer)
    assert story.statuses == ["active"]
    assert story.money.orders == [("COMPLETE", 500, 0, 500, 0)] * 16
    assert story.records[0]["owing_since"] is None
    await money.assert_books_right(made.sandbox)


async def test_a_card_that_never_works_again_is_tried_for_two_weeks_whatever_credit_pays_meanwhile(made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    plan = await subscriptions.plan(made.sandbox, (ChargePeriod.DAILY, 500))
    customer = await money.customer(made.sandbox)
    await subscriptions.subscribe(made.sandbox, plan, customer, ChargePeriod.DAILY)
    await money.save_card(made.sandbox, customer, Card.FAILS_LATER)
    await subscriptions.advance(made.sandbox, AT + DAY)
    await money.grant(made.sandbox, customer, 5 * 500)
    await subscriptions.advance(made.sandbox, AT + 16 * DAY)
    story = await subscriptions.story(made.sandbox, customer)
    assert story.statuses == ["canceled"]
    assert story.records[0]["ends_at"] == (AT + 15 * DAY).isoformat()
    assert [order[0] for order in story.money.orders].count("COMPLETE") == 1 + 5
    await money.assert_books_right(made.sandbox)
