"""Subscriptions of one customer as somebody keeps them who adds up whole numbers by hand, second by second."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from kelviq_server.core.calendar import ChargePeriod
from tests.money import Card

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HOUR, DAY = 3600, 86400
RETRIES = (1, 2, 3, 5, 7, 9, 11, 14)
FAILING = (Card.FAILS_LATER, Card.ASKS_FOR_AUTHENTICATION)
LATE = (Card.ANSWERS_LATE, Card.DECLINES_LATE)
Proration = Literal["IMMEDIATE_CHARGE", "PRORATE_NEXT_INVOICE", "NO_PRORATION"]
# What a plan costs every week, and every month.
PRICES = {
    "small": {ChargePeriod.WEEKLY: 733, ChargePeriod.MONTHLY: 2811},
    "large": {ChargePeriod.WEEKLY: 2107, ChargePeriod.MONTHLY: 8419},
    "tried": {ChargePeriod.WEEKLY: 1009, ChargePeriod.MONTHLY: 3001},
}
TRIAL_DAYS = 3


class Refused(Exception):
    """What is asked for is not done; the text is the name of what refuses it."""


def halves_up(part: int, whole: int) -> int:
    sign = -1 if part < 0 else 1
    return sign * ((2 * abs(part) + whole) // (2 * whole))


def total_of(items: list[int]) -> int:
    return sum(units + halves_up(units * 19, 100) for units in items)


def month_later(anchor: int, months: int) -> int:
    at = AT + timedelta(seconds=anchor)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, 29 if month == 1 and year % 4 == 0 else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month])
    return round((at.replace(year=year, month=month + 1, day=day) - AT).total_seconds())


def boundary(anchor: int, every: ChargePeriod, index: int) -> int:
    return anchor + 7 * DAY * index if every is ChargePeriod.WEEKLY else month_later(anchor, index)


@dataclass
class Order:
    """Something that is to be paid, or was."""

    total: int
    credit: int
    # Whether a failure is its end: never, or unless the customer only has to authenticate it.
    until: Literal["paid", "authenticated", "once"]
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
    anchor: int
    index: int
    start: int
    end: int
    worth: int
    trial_end: int | None = None
    carried: list[int] = field(default_factory=list[int])
    ends_at: int | None = None
    owing: int | None = None
    retries: int = 0
    retry_at: int | None = None
    open: list[Order] = field(default_factory=list[Order])
    # What takes its place when it is paid, by which order, and until when.
    waiting: "tuple[Subscription, Order, int] | None" = None
    # Stretches that are charged twice, because nobody wanted a credit.
    uncredited: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    trials: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    ended: int | None = None
    # Whether something waited for an invoice that never came.
    has_lost: bool = False

    @property
    def is_in_force(self) -> bool:
        return self.status in ("trialing", "active", "past_due")

    @property
    def price(self) -> int:
        return PRICES[self.plan][self.every]


@dataclass
class Model:
    """Everything there is of one customer."""

    card: Card = Card.SUCCEEDS
    now: int = 0
    credit: int = 0
    orders: list[Order] = field(default_factory=list[Order])
    # What the gateway says about each payment, and how much it is.
    payments: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    subscriptions: list[Subscription] = field(default_factory=list[Subscription])

    @property
    def current(self) -> Subscription | None:
        return self.subscriptions[-1] if self.subscriptions else None

    def create(self, plan: str, every: ChargePeriod) -> None:
        end = TRIAL_DAYS * DAY + self.now if plan == "tried" else None
        new = Subscription(
            "incomplete", plan, every, end or self.now, -1 if end else 0, self.now,
            end or boundary(self.now, every, 1), 0 if end else PRICES[plan][every], end,
        )  # fmt: skip
        if end:
            new.trials.append((self.now, end))
        self.subscriptions.append(new)
        order = self._invoice(new, [0] if end else [new.price], "authenticated")
        assert order is not None
        if order.status == "PENDING":
            new.waiting = (new, order, self.now + 23 * HOUR)
            self._pay(new, order)
        if new.status == "incomplete_expired":
            raise Refused("PaymentDeclined")
        if order.answer is not None:
            raise Refused("PaymentUnsettled")

    def change(self, plan: str, every: ChargePeriod, proration: Proration, *, activates: bool) -> None:
        old = self._in_force()
        if old.waiting is not None:
            raise Refused("ChangeWaits")
        if old.owing is not None:
            raise Refused("SubscriptionUnpaid")
        if old.open:
            raise Refused("PaymentUnderWay")
        if (plan, every) == (old.plan, old.every):
            return
        new = replace(old, plan=plan, every=every, open=[], carried=[], waiting=None)
        if old.status == "trialing":
            self._take_over(old, new, [], [*old.carried], activates=False)
            return
        left = halves_up(old.worth * (old.end - self.now), old.end - old.start)
        if every is old.every:
            rest = halves_up(new.price * (old.end - self.now), old.end - old.start)
            differences, charges = [-left, rest], list[int]()
        else:
            new.anchor, new.index, new.start, new.end = self.now, 0, self.now, boundary(self.now, every, 1)
            differences, charges = [-left], [new.price]
        new.worth = new.price
        if proration == "NO_PRORATION":
            differences = []
            new.worth = new.price if charges else old.worth
            new.uncredited = [*old.uncredited, *([(self.now, old.end)] if charges else [])]
        if proration == "IMMEDIATE_CHARGE":
            items, carried = [*differences, *charges], []
        elif charges:
            items, carried = charges, differences
        else:
            items, carried = [], differences
        # Whatever waited for the next invoice has waited for this one.
        if items:
            items = [*items, *old.carried]
        else:
            carried = [*old.carried, *carried]
        if old.ends_at is not None and old.ends_at == old.end:
            new.ends_at = new.end
        self._take_over(old, new, items, [units for units in carried if units], activates=activates)

    def end_trial(self) -> None:
        old = self._in_force()
        if old.status != "trialing":
            raise Refused("no trial")
        new = replace(old, open=[], carried=[], trial_end=self.now, status="active", worth=old.price)
        new.anchor, new.index, new.start, new.end = self.now, 0, self.now, boundary(self.now, old.every, 1)
        new.trials = [*old.trials[:-1], (old.trials[-1][0], self.now)]
        if old.ends_at is not None and old.ends_at == old.end:
            new.ends_at = new.end
        self._take_over(old, new, [new.price, *old.carried], [], activates=False)

    def cancel(self, how: str, on: int) -> None:
        old = self._in_force()
        if old.waiting is not None:
            self._expire(old)
            if self.current is not old:
                raise Refused("SubscriptionReplaced")
        old.ends_at = {"IMMEDIATE": self.now, "CURRENT_PERIOD_ENDS": old.end, "SPECIFIC_DATE": max(on, self.now)}[how]
        if old.ends_at <= self.now:
            self._end(old)

    def keep(self) -> None:
        old = self._in_force()
        if old.ends_at is None:
            raise Refused("NotCancelled")
        old.ends_at = None
        if old.waiting is not None:
            old.waiting[0].ends_at = None

    def advance(self, to: int) -> None:
        while True:
            dues = [due for each in self.subscriptions for due in self._dues(each)]
            first = min((due for due in dues if due[0] <= to), key=lambda due: due[:2], default=None)
            if first is None:
                break
            self.now = max(self.now, first[0])
            first[2]()
        self.now = to

    def _dues(self, each: Subscription) -> list[tuple[int, int, Callable[[], None]]]:
        """Return what is due of a subscription: when, in which order at one instant, and what is done."""
        found: list[tuple[int, int, Callable[[], None]]] = []
        for order in [*each.open, *([each.waiting[1]] if each.waiting else [])]:
            if order.answer is not None:
                found.append((order.answer[0], 0, lambda order=order: self._hear(each, order)))
        if each.retry_at is not None and each.status != "incomplete":
            found.append((each.retry_at, 1, lambda: self._retry(each)))
        if each.is_in_force:
            if each.ends_at is not None:
                found.append((each.ends_at, 2, lambda: self._unless_waiting(each, lambda: self._end(each))))
            found.append((each.end, 3, lambda: self._unless_waiting(each, lambda: self._renew(each))))
        if each.waiting is not None:
            found.append((each.waiting[2], 4, lambda: self._expire(each)))
        return found

    def _unless_waiting(self, each: Subscription, do: Callable[[], None]) -> None:
        if each.waiting is None:
            do()
        else:
            self._expire(each)

    def _renew(self, each: Subscription) -> None:
        if each.status == "trialing":
            each.status = "active"
        each.index += 1
        each.start, each.end = each.end, boundary(each.anchor, each.every, each.index + 1)
        items, each.carried, each.worth = [each.price, *each.carried], [], each.price
        order = self._invoice(each, items, "paid")
        if order is not None and order.status == "PENDING":
            self._pay(each, order)

    def _retry(self, each: Subscription) -> None:
        assert each.owing is not None
        order = each.open[0]
        if each.retries == len(RETRIES):
            if order.answer is None:
                self._close(each, None)
            else:
                each.retry_at = self.now + DAY
            return
        each.retries += 1
        each.retry_at = each.owing + RETRIES[min(each.retries, len(RETRIES) - 1)] * DAY
        if order.answer is None:
            self._pay(each, order)

    def _end(self, each: Subscription) -> None:
        items, each.carried = each.carried, []
        last = self._invoice(each, items, "paid") if items else None
        self._close(each, last)
        if last is not None and last.status == "PENDING":
            self._pay(each, last)

    def _close(self, each: Subscription, last: Order | None) -> None:
        for order in [order for order in each.open if order is not last]:
            if order.answer is not None:
                order.until = "once"
            else:
                self._give_up(each, order)
        each.ended = self.now if each.is_in_force else each.ended
        # What still waits when everything is given up that is owed comes to nothing, too.
        each.has_lost |= bool(each.carried)
        each.status, each.carried = "canceled", []
        each.owing, each.retries, each.retry_at = None, 0, None

    def _expire(self, each: Subscription) -> None:
        assert each.waiting is not None
        order = each.waiting[1]
        if order.answer is not None:
            self._hear(each, order)
        else:
            self._give_up(each, order)

    def _in_force(self) -> Subscription:
        each = self.current
        if each is None or not each.is_in_force:
            raise Refused("nothing in force")
        return each

    def _invoice(self, each: Subscription, items: list[int], until: Literal["paid", "authenticated"]) -> Order | None:
        """Return the order of an invoice; None where that adds to the credit."""
        total = total_of(items)
        used = min(total, self.credit)
        self.credit -= used
        if total < 0:
            return None
        order = Order(total, used, until, "PENDING" if total > used else "COMPLETE")
        self.orders.append(order)
        if order.status == "COMPLETE" and each.status == "incomplete":
            self._begin(each)
        elif order.status == "COMPLETE":
            self._paid_up(each, order)
        elif until == "paid":
            each.open.append(order)
        return order

    def _take_over(
        self, old: Subscription, new: Subscription, items: list[int], carried: list[int], *, activates: bool
    ) -> None:
        new.carried = carried
        due = total_of(items) - min(total_of(items), self.credit) if items else 0
        waits = activates and due > 0
        order = self._invoice(new, items, "authenticated" if waits else "paid") if items else None
        if waits:
            assert order is not None
            limits = [self.now + 23 * HOUR, old.end, *([old.ends_at] if old.ends_at is not None else [])]
            old.waiting = (new, order, min(limits))
            self._pay(old, order)
            return
        self.subscriptions[self.subscriptions.index(old)] = new
        if order is not None and order.status == "PENDING":
            self._pay(new, order)

    def _pay(self, each: Subscription, order: Order) -> None:
        if self.card in LATE:
            order.answer = (self.now + HOUR, self.card is Card.ANSWERS_LATE)
            self.payments.append(("pending", order.total - order.credit))
            return
        fails = self.card in FAILING
        self.payments.append(("failed" if fails else "succeeded", order.total - order.credit))
        self._settle(each, order, not fails, is_authentication=self.card is Card.ASKS_FOR_AUTHENTICATION)

    def _hear(self, each: Subscription, order: Order) -> None:
        assert order.answer is not None
        is_paid, order.answer = order.answer[1], None
        self.payments.remove(("pending", order.total - order.credit))
        self.payments.append(("succeeded" if is_paid else "failed", order.total - order.credit))
        self._settle(each, order, is_paid, is_authentication=False)

    def _settle(self, each: Subscription, order: Order, is_paid: bool, *, is_authentication: bool) -> None:
        waits = each.waiting is not None and each.waiting[1] is order
        if is_paid:
            order.status = "COMPLETE"
            if waits:
                self._begin(each)
            elif order in each.open:
                each.open.remove(order)
                self._paid_up(each, order)
        elif order.until == "paid":
            self._owe(each)
        elif order.until == "once" or not is_authentication:
            self._give_up(each, order)

    def _begin(self, each: Subscription) -> None:
        new = each if each.waiting is None else each.waiting[0]
        if new is each:
            each.status = "trialing" if each.trial_end == each.end else "active"
        new.open, new.waiting = [], None
        self.subscriptions[self.subscriptions.index(each)] = new

    def _paid_up(self, each: Subscription, order: Order) -> None:
        if each.owing is None:
            return
        if each.open:
            # Whoever paid one thing pays the next one at once: with tries of its own, or in a try that is not counted.
            each.retry_at, each.retries = self.now, max(each.retries - 1, 0)
            if self.orders.index(order) < self.orders.index(each.open[0]):
                each.owing, each.retries = self.now, 0
            return
        each.owing, each.retries, each.retry_at = None, 0, None
        if each.status == "past_due":
            each.status = "active"

    def _owe(self, each: Subscription) -> None:
        if each.owing is None:
            each.owing, each.retries, each.retry_at = self.now, 0, self.now + DAY
        if each.is_in_force:
            each.status = "past_due"

    def _give_up(self, each: Subscription, order: Order) -> None:
        order.status = "FAILED"
        self.credit += order.credit
        if order in each.open:
            each.open.remove(order)
        if each.waiting is not None and each.waiting[1] is order:
            is_first = each.waiting[0] is each
            each.waiting = None
            if is_first:
                each.status = "incomplete_expired"
