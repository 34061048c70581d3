"""What somebody needs who keeps subscriptions by hand: whole numbers, seconds, and slips of paper."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from kelviq_server.core.calendar import ChargePeriod
from tests.money import Card

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HOUR, DAY = 3600, 86400
RETRIES = (1, 2, 3, 5, 7, 9, 11, 14)
FAILING = (Card.FAILS_LATER, Card.ASKS_FOR_AUTHENTICATION)
LATE = (Card.ANSWERS_LATE, Card.DECLINES_LATE)
Proration = Literal["IMMEDIATE_CHARGE", "PRORATE_NEXT_INVOICE", "NO_PRORATION"]
WEEKLY, MONTHLY, YEARLY, ONCE = (
    ChargePeriod.WEEKLY, ChargePeriod.MONTHLY, ChargePeriod.YEARLY, ChargePeriod.ONE_TIME,
)  # fmt: skip
# What a plan costs every week, month and year, and for ever.
PRICES: dict[str, dict[ChargePeriod, int]] = {
    "small": {WEEKLY: 733, MONTHLY: 2811, YEARLY: 30011},
    "large": {WEEKLY: 2107, MONTHLY: 8419, YEARLY: 90001, ONCE: 20011},
    "tried": {WEEKLY: 1009, MONTHLY: 3001},
    "seated": {WEEKLY: 499, MONTHLY: 1999},
}
# What each seat costs besides.
SEATS = {WEEKLY: 97, MONTHLY: 401}
TRIAL_DAYS = 3


class Refused(Exception):
    """What is asked for is not done; the text is the name of what refuses it."""


class Item(NamedTuple):
    """What is charged, or credited, for which time; what is bought once is for none."""

    units: int
    start: int | None
    end: int | None
    # Seats stand beside their plan, for the same time.
    is_seats: bool = False

    def times(self, times: int) -> list[tuple[int, int, int]]:
        """Return for which stretch it counts so many times, if it does."""
        if self.is_seats or self.start is None or self.end is None:
            return []
        return [(self.start, self.end, times)]


def halves_up(part: int, whole: int) -> int:
    """Divide, and round halves away from nothing."""
    sign = -1 if part < 0 else 1
    return sign * ((2 * abs(part) + whole) // (2 * whole))


def total_of(items: Sequence[Item]) -> int:
    """Return what items come to with 19 % on top of each."""
    return sum(item.units + halves_up(item.units * 19, 100) for item in items)


def is_credit(items: Sequence[Item]) -> bool:
    """Say whether credits outweigh charges."""
    return sum(item.units for item in items) < 0


def rest_of(parts: Sequence[int], now: int, start: int, end: int) -> list[Item]:
    """Return what the parts of a price come to for what is left of a period."""
    return [Item(halves_up(units * (end - now), end - start), now, end, at > 0) for at, units in enumerate(parts)]


def _month_later(anchor: int, months: int) -> int:
    at = AT + timedelta(seconds=anchor)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, 29 if month == 1 and year % 4 == 0 else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month])
    return round((at.replace(year=year, month=month + 1, day=day) - AT).total_seconds())


def boundary(anchor: int, every: ChargePeriod, index: int) -> int:
    """Return where a period begins, the first being 0."""
    if every is WEEKLY:
        return anchor + 7 * DAY * index
    return _month_later(anchor, index * (12 if every is YEARLY else 1))


@dataclass
class Order:
    """Something that is to be paid, or was."""

    items: list[Item]
    total: int
    credit: int
    # Whether a failure is its end: never, or unless the customer only has to authenticate it.
    until: Literal["paid", "authenticated", "once"]
    # What it took over that is the customer's, whether it is paid or not.
    taken: list[Item]
    status: str = "PENDING"
    # When the bank answers, and what.
    answer: tuple[int, bool] | None = None

    @property
    def kept(self) -> tuple[str, int, int, int]:
        """Return it as the module keeps it: what it came to, what credit paid of it, what the card paid."""
        return self.status, self.total, self.credit, self.total - self.credit if self.status == "COMPLETE" else 0


@dataclass
class Subscription:
    """One subscription: as it is now, and what it owes."""

    status: str
    plan: str
    every: ChargePeriod
    seats: int
    started: int
    anchor: int = 0
    index: int = 0
    # Of what is bought once, neither.
    start: int | None = None
    end: int | None = None
    worth: list[int] = field(default_factory=list[int])
    trial_end: int | None = None
    carried: list[Item] = field(default_factory=list[Item])
    ends_at: int | None = None
    owing: int | None = None
    retries: int = 0
    retry_at: int | None = None
    open: list[Order] = field(default_factory=list[Order])
    # What takes its place when it is paid, by which order, and until when.
    waiting: "tuple[Subscription, Order, int] | None" = None
    # How many times more than once a stretch is billed, or less: on trial, where nobody wanted a credit or it was less
    # than half a cent, and where what was credited on an invoice that came to nothing was credited anew.
    apart: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    # When it ended, and when it began to be for ever.
    ended: int | None = None
    once: int | None = None

    @property
    def is_in_force(self) -> bool:
        """Say whether the customer has it."""
        return self.status in ("trialing", "active", "past_due")

    @property
    def is_trial(self) -> bool:
        """Say whether its period is a trial."""
        return self.trial_end is not None and self.trial_end == self.end

    @property
    def parts(self) -> list[int]:
        """Return what a period costs: the plan, and its seats."""
        seats = [SEATS[self.every] * self.seats] if self.plan == "seated" else []
        return [PRICES[self.plan][self.every], *seats]

    @property
    def price(self) -> list[Item]:
        """Return what the whole period is charged."""
        return [Item(units, self.start, self.end, at > 0) for at, units in enumerate(self.parts)]

    @property
    def terms(self) -> tuple[str, ChargePeriod, int]:
        """Return what of which plan it is."""
        return self.plan, self.every, self.seats

    def begin_period(self, now: int) -> None:
        """Count periods from now on."""
        self.anchor, self.index, self.start, self.end = now, 0, None, None
        if self.every is not ONCE:
            self.start, self.end = now, boundary(now, self.every, 1)


def changed(
    old: Subscription, plan: str, every: ChargePeriod, seats: int, proration: Proration, now: int
) -> tuple[Subscription, list[Item], list[Item]]:
    """Return what comes of a change: what there is then, what is invoiced now, and what waits for the next invoice."""
    new = replace(old, plan=plan, every=every, seats=seats, open=[], carried=[], apart=[*old.apart])
    if old.is_trial and every is not ONCE:
        return new, [], [*old.carried]
    assert old.start is not None
    assert old.end is not None
    credits = [item._replace(units=-item.units) for item in rest_of(old.worth, now, old.start, old.end)]
    rest, charges = list[Item](), list[Item]()
    if every is not old.every:
        new.begin_period(now)
        charges = new.price
    else:
        rest = rest_of(new.parts, now, old.start, old.end)
    new.worth = new.parts
    if proration == "NO_PRORATION":
        new.worth = new.worth if charges else old.worth
        new.apart += [(now, old.end, 1)] if charges and not old.is_trial else []
        credits, rest = [], []
    # What comes to less than half a cent is on no invoice, though the time that it is for is on one.
    new.apart += [stretch for item in credits if not item.units for stretch in item.times(1)]
    new.apart += [stretch for item in rest if not item.units for stretch in item.times(-1)]
    differences = [item for item in (*credits, *rest) if item.units]
    if every is ONCE:
        new.worth, new.once, new.ends_at = [], now, None
        if old.trial_end is not None:
            new.trial_end = min(old.trial_end, now)
        if old.is_trial:
            new.status, new.apart = "active", [*new.apart, (now, old.end, 1)]
    elif old.ends_at is not None and old.ends_at == old.end:
        new.ends_at = new.end
    if proration == "IMMEDIATE_CHARGE" or every is ONCE:
        items, carried = [*differences, *charges], list[Item]()
    elif charges:
        items, carried = charges, differences
    else:
        items, carried = list[Item](), differences
    # Whatever waited for the next invoice has waited for this one.
    if not items:
        carried = [*old.carried, *carried]
    return new, items, carried
