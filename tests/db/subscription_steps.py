"""What may happen to a subscription, and what of it may happen next."""

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from kelviq_server.core.calendar import ChargePeriod
from tests.db.subscription_model import Model
from tests.db.subscription_parts import DAY, FAILING, HOUR, LATE, ONCE, PRICES, WEEKLY, Proration
from tests.money import Card

How = Literal["IMMEDIATE", "CURRENT_PERIOD_ENDS", "SPECIFIC_DATE"]
Over = Literal["superseded", "canceled", "incomplete_expired"]
# Why nothing is done any more about a record of such a status.
REFUSALS: dict[Over, str] = {
    "superseded": "SubscriptionReplaced",
    "canceled": "SubscriptionEnded",
    "incomplete_expired": "SubscriptionEnded",
}


@dataclass(frozen=True)
class Passes:
    """So many seconds pass."""

    seconds: int


@dataclass(frozen=True)
class Creates:
    """The customer subscribes, where there is nothing yet, or nothing any more."""

    plan: str
    every: ChargePeriod
    seats: int = 1


@dataclass(frozen=True)
class Changes:
    """The customer gets another plan, period, or number of seats."""

    plan: str
    every: ChargePeriod
    proration: Proration = "IMMEDIATE_CHARGE"
    activates: bool = False
    seats: int = 1


@dataclass(frozen=True)
class EndsTrial:
    """The trial ends now."""


@dataclass(frozen=True)
class Cancels:
    """The subscription is to end: now, with its period, or so many days later; or a change that waits is called off."""

    how: How
    days: int = 0
    is_waiting: bool = False


@dataclass(frozen=True)
class Keeps:
    """The subscription is to go on that was to end."""


@dataclass(frozen=True)
class Grants:
    """The merchant gives so much credit."""

    units: int


@dataclass(frozen=True)
class Pays:
    """The customer pays with another card from now on."""

    card: Card


@dataclass(frozen=True)
class ComesTooLate:
    """Something is asked for of a record that is over, and refused."""

    status: Over
    what: Literal["change", "cancel", "keep"]


Step = Passes | Creates | Changes | EndsTrial | Cancels | Keeps | Grants | Pays | ComesTooLate


FAILS, PAYS = Pays(Card.FAILS_LATER), Pays(Card.SUCCEEDS)
CARDS = [Card.SUCCEEDS, Card.LOSES_THE_ANSWER, *FAILING, *FAILING, *LATE]
OFFERS = [(plan, every) for plan, prices in PRICES.items() for every in prices]
HOWS: list[How] = ["CURRENT_PERIOD_ENDS", "CURRENT_PERIOD_ENDS", "SPECIFIC_DATE", "IMMEDIATE"]
PRORATIONS: list[Proration] = ["IMMEDIATE_CHARGE", "PRORATE_NEXT_INVOICE", "NO_PRORATION"]


def passing(model: Model, dice: Random) -> Passes:
    """Return how long nothing is done: until about something is due, or some odd time."""
    # Just before something is due, just then, just after.
    due = [at + dice.choice([-1, 0, 0, 1]) - model.now for at in model.next_due[:2]]
    gone = [each.owing + 14 * DAY + dice.choice([-1, 0, 1]) - model.now for each in model.subscriptions if each.owing]
    odd = [dice.randint(1, 3 * DAY), dice.choice([8, 17, 33]) * DAY + 12_347]
    each = model.current
    if each is not None and (each.waiting or each.open or each.is_trial or model.card not in CARDS[:2]):
        # Soon enough to meet what is not yet paid, nor given up.
        odd += [dice.randint(1, HOUR - 1)] * 3
    return Passes(max(dice.choice([*due[:1] * 3, *due[1:], *gone * 3, *odd]), 1))


def action(model: Model, dice: Random) -> Step:
    """Return what may be asked for where things stand so, or a little of what is refused then."""
    each = model.current
    card, cancels = Pays(dice.choice(CARDS)), Cancels(dice.choice(HOWS), dice.randint(-1, 40))
    over: list[Over] = [
        status for status in REFUSALS if model.past[status] or (each is not None and each.status == status)
    ]
    found: list[tuple[int, Step]] = [(5, card), (1, Grants(dice.randint(1, 3000)))]
    found += [(1, ComesTooLate(status, dice.choice(["change", "cancel", "keep"]))) for status in over]
    if each is not None and each.waiting is not None:
        found.append((4, replace(cancels, is_waiting=True)))
    elif each is None or not each.is_in_force:
        found += [(3, creation(dice)), (9, PAYS if model.card in FAILING else creation(dice))]
    if each is not None and each.is_in_force:
        is_ready = each.owing is None and not each.open and each.waiting is None and each.every is not ONCE
        # What is not paid at once is to wait for it.
        patience = 20 if is_ready and model.card not in CARDS[:2] else 9 if is_ready else 4
        found += [(patience, change(model, dice)), (3, cancels)]
        found += [(9, FAILS)] if sum(item.units for item in each.carried) < 0 else []
        # Who owes something pays it at times.
        found += [(6, PAYS)] if each.owing is not None else []
        found += [(20, EndsTrial())] if each.is_trial else []
        found += [(9 if each.ends_at is not None else 1, Keeps())]
    return dice.choices([step for _, step in found], [weight for weight, _ in found])[0]


def creation(dice: Random) -> Creates:
    """Return a purchase of something that goes on."""
    plan, every = dice.choice([*[offer for offer in OFFERS if offer[1] is not ONCE], ("tried", WEEKLY)])
    return Creates(plan, every, dice.randint(1, 3) if plan == "seated" else 1)


def change(model: Model, dice: Random) -> Changes:
    """Return a change; what is bought once is the last that is bought, and not bought too soon."""
    plan, every = dice.choice([offer for offer in OFFERS if offer[1] is not ONCE or dice.random() < 0.3])
    seats = dice.randint(1, 3) if plan == "seated" else 1
    activates = dice.random() < (0.3 if model.card in CARDS[:2] else 0.9)
    return Changes(plan, every, dice.choice(PRORATIONS), activates, seats)
