"""Whatever happens to a subscription in whatever order, it is what somebody makes of it who adds up by hand.

And after every step: no status but a documented one, reached as documented; every stretch of time billed once; the
books balance; what a change, and the invoice after it, were said to cost is what they cost.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from kelviq_server.core.calendar import ChargePeriod
from tests.db.subscription_machine import Machine
from tests.db.subscription_model import Model
from tests.db.subscription_parts import DAY, HOUR, MONTHLY, ONCE, TRIAL_DAYS, WEEKLY, Proration
from tests.db.subscription_steps import (
    FAILS,
    PAYS,
    Cancels,
    Changes,
    Creates,
    Passes,
    Pays,
    Step,
    action,
    creation,
    passing,
)
from tests.money import Card

PAIRS = 6
# What has to be met, or else nobody knows whether it holds.
EVERYTHING = {
    "it begins", "it renews", "a trial converts", "a trial ends at once", "it is tried again", "what was owed is paid",
    "it is given up", "it ends", "it goes on", "it waits for its payment", "what waited begins", "what waited expires",
    "a late answer is heard", "what waited meets a renewal", "an invoice adds to the credit",
    "the next invoice is foretold", "the last invoice is foretold",
    "refused: SubscriptionReplaced", "refused: SubscriptionUnpaid", "refused: PaymentUnderWay", "refused: ChangeWaits",
    "refused: BoughtOnce", "what waited becomes credit",
    "change IMMEDIATE_CHARGE", "change PRORATE_NEXT_INVOICE", "change NO_PRORATION",
}  # fmt: skip


@pytest.fixture(scope="module")
def met() -> Iterator[Counter[str]]:
    """What was met by all examples together; fails at the end where something never was."""
    met = Counter[str]()
    yield met
    assert EVERYTHING - met.keys() == set()


async def told(*steps: Step) -> Model:
    """Let this happen, and return what was made of it by hand."""
    machine = await Machine.start()
    await machine.do(*steps)
    await machine.end()
    return machine.model


IN_A_WEEK = Passes(7 * DAY)
LATER: Proration = "PRORATE_NEXT_INVOICE"


@pytest.mark.parametrize(
    ("by", "card"), [(-1, Card.SUCCEEDS), (0, Card.LOSES_THE_ANSWER), (0, Card.DECLINES_LATE), (1, Card.FAILS_LATER)]
)
async def test_a_trial_converts_by_time(pool: None, by: int, card: Card) -> None:
    trial = Passes(TRIAL_DAYS * DAY + by)
    model = await told(Creates("tried", WEEKLY), Pays(card), trial, Passes(2), Passes(2 * HOUR), IN_A_WEEK)
    assert model.met["a trial converts"] == model.met["it renews"] == 1


async def test_what_is_owed_is_paid_by_the_fifth_retry(pool: None) -> None:
    retries = [Passes(days * DAY) for days in (1, 1, 1, 2)]
    model = await told(Creates("large", MONTHLY), FAILS, Passes(28 * DAY), *retries, PAYS, Passes(2 * DAY))
    assert model.payments == [("succeeded", 10_019), *[("failed", 10_019)] * 5, ("succeeded", 10_019)]
    assert (model.met["it is tried again"], model.met["what was owed is paid"]) == (5, 1)


@pytest.mark.parametrize("every", [WEEKLY, MONTHLY])
async def test_what_nobody_pays_is_given_up_after_two_weeks(pool: None, every: ChargePeriod) -> None:
    days = 7 if every is WEEKLY else 28
    waits = [Passes(days * DAY), Passes(14 * DAY - 1), Passes(1), Creates("small", MONTHLY)]
    model = await told(Creates("large", every), FAILS, *waits, PAYS, Creates("small", MONTHLY), IN_A_WEEK)
    assert (model.met["it is tried again"], model.met["it is given up"]) == (8, 1)


@pytest.mark.parametrize("wait", [23 * HOUR - 1, 23 * HOUR, 23 * HOUR + 1])
@pytest.mark.parametrize("card", [Card.ASKS_FOR_AUTHENTICATION, Card.ANSWERS_LATE, Card.DECLINES_LATE])
async def test_a_change_that_waits_for_its_payment_expires_or_begins(pool: None, wait: int, card: Card) -> None:
    waiting = Changes("large", MONTHLY, activates=True)
    model = await told(Creates("small", MONTHLY), IN_A_WEEK, Pays(card), waiting, Passes(wait), PAYS, Passes(31 * DAY))
    assert model.met["what waited expires"] == (card is Card.ASKS_FOR_AUTHENTICATION)
    assert model.met["what waited begins"] == (card is Card.ANSWERS_LATE)


async def test_what_waits_for_its_payment_expires_with_the_period(pool: None) -> None:
    waiting = Changes("large", MONTHLY, activates=True)
    asks = Pays(Card.ASKS_FOR_AUTHENTICATION)
    steps = [Creates("small", MONTHLY), Passes(28 * DAY - HOUR), asks, waiting, PAYS, Passes(HOUR), IN_A_WEEK]
    model = await told(*steps)
    assert (model.met["what waited expires"], model.met["it renews"]) == (1, 1)


@pytest.mark.parametrize(("first", "then"), [("small", "large"), ("large", "small"), ("seated", "small")])
@pytest.mark.parametrize("card", [Card.SUCCEEDS, Card.FAILS_LATER, Card.DECLINES_LATE])
async def test_what_a_change_leaves_meets_a_renewal(pool: None, first: str, then: str, card: Card) -> None:
    model = await told(
        Creates(first, MONTHLY), IN_A_WEEK, Changes(then, MONTHLY, LATER), Passes(9 * DAY + 5_431),
        Changes("seated", MONTHLY, LATER, seats=2), Pays(card), Passes(21 * DAY), Passes(31 * DAY),
    )  # fmt: skip
    assert model.met["what waited meets a renewal"] == 1


@pytest.mark.parametrize("ends", [Cancels("IMMEDIATE"), Passes(14 * DAY), Passes(13 * DAY)])
@pytest.mark.parametrize("card", [Card.FAILS_LATER, Card.DECLINES_LATE])
async def test_credit_that_waited_for_a_renewal_is_the_customers_though_nobody_pays_that(
    pool: None, card: Card, ends: Step
) -> None:
    model = await told(
        Creates("large", MONTHLY), Passes(25 * DAY), Changes("small", MONTHLY, LATER), Pays(card),
        Passes(3 * DAY), ends, Passes(2 * DAY), PAYS, Passes(60 * DAY),
    )  # fmt: skip
    # 3 days of 28 at 8419 back, and at 2811 on top: 902 less 301, each with its tax.
    assert model.credit in (0, 1073 - 358)
    assert model.met["it ends"] + model.met["it is given up"] == 1


@pytest.mark.parametrize("ends", [Cancels("IMMEDIATE"), Passes(14 * DAY)])
async def test_credits_that_several_unpaid_orders_took_over_are_all_the_customers(pool: None, ends: Step) -> None:
    model = await told(
        Creates("large", MONTHLY), Passes(25 * DAY), Changes("small", MONTHLY, LATER), FAILS,
        Changes("small", WEEKLY, LATER), IN_A_WEEK, ends, Passes(2 * DAY), PAYS, Passes(60 * DAY),
    )  # fmt: skip
    assert model.credit > 0


@pytest.mark.parametrize("ends", [Cancels("IMMEDIATE"), Cancels("SPECIFIC_DATE", 3), Passes(14 * DAY)])
async def test_credit_that_something_bought_once_took_over_is_the_customers_though_nobody_pays_that(
    pool: None, ends: Step
) -> None:
    model = await told(
        Creates("large", MONTHLY), IN_A_WEEK, Changes("small", MONTHLY, LATER), FAILS,
        Changes("large", ONCE), ends, Passes(20 * DAY), PAYS, Passes(60 * DAY),
    )  # fmt: skip
    assert model.credit > 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(PAIRS, PAIRS + 4))
# These alone meet most of it; others are found in thousands where too little is met.
@example(14092, PAIRS + 4)
@example(9185, PAIRS + 4)
@example(28, PAIRS + 4)
async def test_a_subscription_is_what_somebody_makes_of_it_who_adds_up_by_hand(
    pool: None, met: Counter[str], seed: int, pairs: int
) -> None:
    machine, dice = await Machine.start(), Random(seed)
    await machine.do(creation(dice))
    for _ in range(pairs):
        # What is done next depends on where things stand by then.
        for choose in (passing, action):
            step = choose(machine.model, dice)
            note(repr(step))
            await machine.do(step)
    await machine.end()
    met.update(machine.model.met)
