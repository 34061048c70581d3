"""Subscriptions of one customer as somebody keeps them who adds up whole numbers by hand, second by second."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from kelviq_server.core.calendar import ChargePeriod
from tests.db.subscription_parts import (
    DAY,
    FAILING,
    HOUR,
    LATE,
    ONCE,
    RETRIES,
    TRIAL_DAYS,
    Item,
    Order,
    Proration,
    Refused,
    Subscription,
    boundary,
    changed,
    is_credit,
    total_of,
)
from tests.money import Card


@dataclass
class Model:
    """Everything there is of one customer."""

    card: Card = Card.SUCCEEDS
    now: int = 0
    credit: int = 0
    orders: list[Order] = field(default_factory=list[Order])
    # What was invoiced, be it paid or not.
    lines: list[Item] = field(default_factory=list[Item])
    # What the gateway says about each payment, and how much it is.
    payments: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    subscriptions: list[Subscription] = field(default_factory=list[Subscription])
    # How many records of which kind there are that stand for nothing any more.
    past: Counter[str] = field(default_factory=Counter[str])
    # What happened, how often.
    met: Counter[str] = field(default_factory=Counter[str])

    @property
    def current(self) -> Subscription | None:
        """Return the last subscription."""
        return self.subscriptions[-1] if self.subscriptions else None

    @property
    def next_due(self) -> list[int]:
        """Return the instants at which something is due, the first one first."""
        return sorted({due[0] for each in self.subscriptions for due in self._dues(each) if due[0] > self.now})

    def create(self, plan: str, every: ChargePeriod, seats: int) -> None:
        new = Subscription("incomplete", plan, every, seats, self.now)
        if plan == "tried":
            end = TRIAL_DAYS * DAY + self.now
            new.anchor, new.index, new.start, new.end, new.trial_end = end, -1, self.now, end, end
            new.apart.append((self.now, end, -1))
            items = [Item(0, self.now, end)]
        else:
            new.begin_period(self.now)
            new.worth, items = new.parts, new.price
        self.subscriptions.append(new)
        order = self._invoice(new, items, "authenticated")
        assert order is not None
        if order.status == "PENDING":
            new.waiting = (new, order, self.now + 23 * HOUR)
            self._pay(new, order)
        if new.status == "incomplete_expired":
            # Of what was declined at once nobody hears.
            self.subscriptions.remove(new)
            raise Refused("PaymentDeclined")
        if order.answer is not None:
            raise Refused("PaymentUnsettled")

    def change(
        self, plan: str, every: ChargePeriod, seats: int, proration: Proration, *, activates: bool = False
    ) -> None:
        old = self._changing()
        if (plan, every, seats) == old.terms:
            return
        self.met[f"change {proration}"] += 1
        new, items, carried = changed(old, plan, every, seats, proration, self.now)
        self._take_over(old, new, items, carried, activates=activates)

    def end_trial(self) -> None:
        old = self._changing()
        assert old.trial_end is not None
        self.met["a trial ends at once"] += 1
        new = replace(old, open=[], carried=[], trial_end=self.now, status="active", worth=old.parts)
        new.begin_period(self.now)
        new.apart = [*old.apart, (self.now, old.trial_end, 1)]
        if old.ends_at is not None and old.ends_at == old.end:
            new.ends_at = new.end
        self._take_over(old, new, new.price, [], activates=False)

    def cancel(self, how: str, on: int) -> None:
        old = self._in_force()
        self._refuse_cancel(old, how, on)
        if old.waiting is not None:
            self._expire(old)
            if self.current is not old:
                raise Refused("SubscriptionReplaced")
        ends = {"IMMEDIATE": self.now, "CURRENT_PERIOD_ENDS": old.end, "SPECIFIC_DATE": max(on, self.now)}[how]
        assert ends is not None
        old.ends_at = ends
        if ends <= self.now:
            self._end(old)

    def cancel_waiting(self, how: str, on: int) -> None:
        """Cancel what waits for its payment: it comes to nothing, or is cancelled as soon as it has begun."""
        old = self.current
        assert old is not None
        assert old.waiting is not None
        new = old.waiting[0]
        self._refuse_cancel(new, how, on)
        self._expire(old)
        if new.is_in_force and self.current is new:
            self.cancel(how, on)

    def _refuse_cancel(self, each: Subscription, how: str, on: int) -> None:
        if how == "CURRENT_PERIOD_ENDS" and each.every is ONCE:
            raise Refused("NoPeriodEnds")
        if how == "SPECIFIC_DATE" and on + DAY <= self.now:
            raise Refused("CancellationDatePast")

    def keep(self) -> None:
        old = self._in_force()
        if old.ends_at is None:
            raise Refused("NotCancelled")
        self.met["it goes on"] += 1
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
            if each.end is not None:
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
        assert each.end is not None
        self.met["a trial converts" if each.is_trial else "it renews"] += 1
        if each.carried:
            self.met["what waited meets a renewal"] += 1
        if each.status == "trialing":
            each.status = "active"
        each.index += 1
        each.start, each.end = each.end, boundary(each.anchor, each.every, each.index + 1)
        carried, each.carried, each.worth = each.carried, [], each.parts
        order = self._invoice(each, [*each.price, *carried], "paid", carried)
        if order is not None and order.status == "PENDING":
            self._pay(each, order)

    def _retry(self, each: Subscription) -> None:
        assert each.owing is not None
        order = each.open[0]
        if each.retries == len(RETRIES):
            if order.answer is None:
                self._give_all_up(each)
            else:
                each.retry_at = self.now + DAY
            return
        self.met["it is tried again"] += 1
        each.retries += 1
        each.retry_at = each.owing + RETRIES[min(each.retries, len(RETRIES) - 1)] * DAY
        if order.answer is None:
            self._pay(each, order)

    def _end(self, each: Subscription) -> None:
        self.met["it ends"] += 1
        items = [*each.carried, *self._void(each)]
        last = self._invoice(each, items, "paid") if items else None
        self._close(each)
        if last is not None and last.status == "PENDING":
            self._pay(each, last)

    def _give_all_up(self, each: Subscription) -> None:
        self.met["it is given up"] += 1
        items = [*each.carried, *self._void(each)]
        self._close(each)
        self._give_back(items)

    def _void(self, each: Subscription) -> list[Item]:
        """Let nothing be owed any more but what is being paid just now; return what was to be credited."""
        credits = list[Item]()
        for order in [*each.open]:
            if order.answer is not None:
                order.until = "once"
            else:
                credits += self._give_up(each, order)
        return credits

    def _close(self, each: Subscription) -> None:
        each.ended = self.now if each.is_in_force else each.ended
        each.status, each.carried = "canceled", []
        each.owing, each.retries, each.retry_at = None, 0, None

    def _give_back(self, items: Sequence[Item]) -> None:
        if is_credit(items):
            self.met["what waited becomes credit"] += 1
            self.lines += items
            self.credit -= total_of(items)

    def _expire(self, each: Subscription) -> None:
        assert each.waiting is not None
        self.met["what waited expires"] += 1
        order = each.waiting[1]
        if order.answer is not None:
            self._hear(each, order)
        else:
            self._give_up(each, order)

    def _in_force(self) -> Subscription:
        each = self.current
        assert each is not None
        assert each.is_in_force
        return each

    def _changing(self) -> Subscription:
        """Return what is in force, if it may change."""
        each = self._in_force()
        if each.every is ONCE:
            raise Refused("BoughtOnce")
        if each.waiting is not None:
            raise Refused("ChangeWaits")
        if each.owing is not None:
            raise Refused("SubscriptionUnpaid")
        if each.open:
            raise Refused("PaymentUnderWay")
        return each

    def _invoice(
        self,
        each: Subscription,
        items: list[Item],
        until: Literal["paid", "authenticated"],
        carried: Sequence[Item] = (),
    ) -> Order | None:
        """Return the order of an invoice; None where that adds to the credit."""
        self.lines += items
        total = total_of(items)
        used = min(total, self.credit)
        self.credit -= used
        if total < 0:
            self.met["an invoice adds to the credit"] += 1
            return None
        taken = [*carried] if is_credit(carried) and until == "paid" else []
        order = Order(items, total, used, until, taken, "PENDING" if total > used else "COMPLETE")
        self.orders.append(order)
        if order.status == "COMPLETE" and each.status == "incomplete":
            self._begin(each)
        elif order.status == "COMPLETE":
            self._paid_up(each, order)
        elif until == "paid":
            each.open.append(order)
        return order

    def _take_over(
        self, old: Subscription, new: Subscription, items: list[Item], carried: list[Item], *, activates: bool
    ) -> None:
        new.carried = carried
        items = [*items, *old.carried] if items else []
        due = total_of(items) - min(total_of(items), self.credit)
        waits = activates and due > 0
        order = self._invoice(new, items, "authenticated" if waits else "paid", old.carried) if items else None
        if waits:
            assert order is not None
            self.met["it waits for its payment"] += 1
            limits = [self.now + 23 * HOUR, old.end, old.ends_at]
            old.waiting = (new, order, min(limit for limit in limits if limit is not None))
            self._pay(old, order)
            return
        self._replace(old, new)
        if order is not None and order.status == "PENDING":
            self._pay(new, order)

    def _replace(self, old: Subscription, new: Subscription) -> None:
        self.past["superseded"] += old is not new
        self.subscriptions[self.subscriptions.index(old)] = new

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
        self.met["a late answer is heard"] += 1
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
            self._give_back(self._give_up(each, order))

    def _begin(self, each: Subscription) -> None:
        new = each if each.waiting is None else each.waiting[0]
        if new is each:
            self.met["it begins"] += 1
            each.status = "trialing" if each.is_trial else "active"
        else:
            self.met["what waited begins"] += 1
        new.open, new.waiting = [], None
        self._replace(each, new)

    def _paid_up(self, each: Subscription, order: Order) -> None:
        if each.owing is None:
            return
        if each.open:
            # Whoever paid one thing pays the next one at once: with tries of its own, or in a try that is not counted.
            each.retry_at, each.retries = self.now, max(each.retries - 1, 0)
            if self.orders.index(order) < self.orders.index(each.open[0]):
                each.owing, each.retries = self.now, 0
            return
        self.met["what was owed is paid"] += 1
        each.owing, each.retries, each.retry_at = None, 0, None
        if each.status == "past_due":
            each.status = "active"

    def _owe(self, each: Subscription) -> None:
        if each.owing is None:
            each.owing, each.retries, each.retry_at = self.now, 0, self.now + DAY
        if each.is_in_force:
            each.status = "past_due"

    def _give_up(self, each: Subscription, order: Order) -> list[Item]:
        """Let an order come to nothing; return what it took over that is the customer's."""
        order.status = "FAILED"
        self.credit += order.credit
        if order in each.open:
            each.open.remove(order)
        if each.waiting is not None and each.waiting[1] is order:
            is_first = each.waiting[0] is each
            each.waiting = None
            if is_first:
                each.status = "incomplete_expired"
            else:
                self.past["incomplete_expired"] += 1
        # It is on two invoices now, of which the first came to nothing.
        each.apart += [stretch for item in order.taken for stretch in item.times(1 if item.units > 0 else -1)]
        return order.taken
