"""Does what happens to a subscription with the module and by hand, and tells where the two are not the same."""

from collections import Counter
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.errors import Refusal
from kelviq_server.core.invoice import Invoice
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.subscriptions.changes.records import EndTrial, Preview, ProrationBehavior
from kelviq_server.subscriptions.endings.actions.keep_subscription import keep_subscription
from kelviq_server.subscriptions.endings.records import CancellationType
from tests import make, metering, money, subscriptions
from tests.db.subscription_model import Model
from tests.db.subscription_parts import AT, PRICES, SEATS, TRIAL_DAYS, Item, Refused, Subscription, total_of
from tests.db.subscription_steps import (
    REFUSALS,
    Cancels,
    Changes,
    ComesTooLate,
    Creates,
    EndsTrial,
    Grants,
    How,
    Keeps,
    Passes,
    Pays,
    Step,
)
from tests.money import Card

# Which status may follow which, directly or by way of others.
FOLLOWS = {
    "incomplete": {"trialing", "active", "past_due", "incomplete_expired", "canceled", "superseded"},
    "trialing": {"active", "past_due", "canceled", "superseded"},
    "active": {"past_due", "canceled", "superseded"},
    "past_due": {"active", "canceled", "superseded"},
    "incomplete_expired": set[str](),
    "canceled": set[str](),
    "superseded": set[str](),
}
IN_FORCE = ("trialing", "active", "past_due")


def seconds(at: str | datetime | None) -> int | None:
    """Return how many seconds after the beginning something is."""
    if at is None:
        return None
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return round((at - AT).total_seconds())


class Machine:
    """One customer of a shop, twice: in the module, and on paper."""

    def __init__(self, tenant: Tenant, plans: dict[str, str], customer: str) -> None:
        self.tenant, self.plans, self.customer, self.model = tenant, plans, customer, Model()
        self.statuses: dict[str, str] = {}

    @classmethod
    async def start(cls) -> "Machine":
        """Open a shop of its own."""
        tenant = (await make.organization()).sandbox
        await make.freeze_clock(tenant, AT)
        seats = (await metering.meter(tenant, "seats")).id
        plans = {
            name: await subscriptions.plan(
                tenant,
                *prices.items(),
                trial_days=TRIAL_DAYS if name == "tried" else 0,
                each=(seats, SEATS) if name == "seated" else None,
            )
            for name, prices in PRICES.items()
        }
        return cls(tenant, plans, await money.customer(tenant, billing_address=money.GERMANY))

    @property
    def now(self) -> datetime:
        """Return what the clock shows."""
        return AT + timedelta(seconds=self.model.now)

    async def do(self, *steps: Step) -> None:
        """Do one step after the other, each in both, and look."""
        for step in steps:
            await self._do(step)
            await self.check()

    async def end(self) -> None:
        """Fail unless the books are right, and so is what is made of them."""
        await money.assert_books_right(self.tenant)

    async def _do(self, step: Step) -> None:
        before, refused, refusal = deepcopy(self.model), None, None
        try:
            self._on_paper(step)
        except Refused as by:
            refused = str(by)
            self.model.met[f"refused: {refused}"] += 1
        try:
            await self._in_module(step, before)
        except Refusal as by:
            refusal = type(by).__name__
        assert refusal == refused
        if not isinstance(step, Passes):
            await subscriptions.do_due(self.tenant)
        if self.model.card is Card.LOSES_THE_ANSWER:
            # Of a last payment whose answer got lost somebody hears a little later.
            await subscriptions.let_leases_end(self.tenant)
            await subscriptions.do_due(self.tenant)

    def _on_paper(self, step: Step) -> None:
        model = self.model
        match step:
            case Passes(seconds):
                model.advance(model.now + seconds)
            case Creates(plan, every, seats):
                model.create(plan, every, seats)
            case Changes(plan, every, how, activates, seats):
                model.change(plan, every, seats, how, activates=activates)
            case EndsTrial():
                model.end_trial()
            case Cancels(how, days, is_waiting):
                (model.cancel_waiting if is_waiting else model.cancel)(how, self._seconds(self._date(days)))
            case Keeps():
                model.keep()
            case Grants(units):
                model.credit += units
            case Pays(card):
                model.card = card
            case ComesTooLate(status, _):
                raise Refused(REFUSALS[status])

    async def _in_module(self, step: Step, before: Model) -> None:
        match step:
            case Passes():
                await subscriptions.advance(self.tenant, self.now)
            case Creates(plan, every, seats):
                bought = _bought(plan, seats) or ()
                await subscriptions.subscribe(self.tenant, self.plans[plan], self.customer, every, features=bought)
            case Changes():
                await self._change(await self._id_of(*IN_FORCE), step, before)
            case EndsTrial():
                current = before.current
                assert current is not None
                plan = self.plans[current.plan]
                id = await self._id_of(*IN_FORCE)
                await subscriptions.change(self.tenant, id, plan, current.every, end_trial=EndTrial())
            case Cancels(how, days, is_waiting):
                id = await self._id_of(*(["incomplete"] if is_waiting else IN_FORCE))
                await self._cancel(id, how, days)
            case Keeps():
                await keep_subscription(self.tenant, await self._id_of(*IN_FORCE))
            case Grants(units):
                await money.grant(self.tenant, self.customer, units)
            case Pays(card):
                await money.save_card(self.tenant, self.customer, card)
            case ComesTooLate(status, "change"):
                await self._change(await self._id_of(status), Changes("large", ChargePeriod.WEEKLY), before)
            case ComesTooLate(status, "cancel"):
                await self._cancel(await self._id_of(status), "IMMEDIATE", 0)
            case ComesTooLate(status, _):
                await keep_subscription(self.tenant, await self._id_of(status))

    async def _cancel(self, id: UUID, how: How, days: int) -> None:
        on = self._date(days) if how == "SPECIFIC_DATE" else None
        await subscriptions.cancel(self.tenant, id, CancellationType(how), on)

    async def _change(self, id: UUID, step: Changes, before: Model) -> None:
        """Change something, and fail unless it and what comes next cost what the preview says."""
        fields: dict[str, Any] = {
            "proration": ProrationBehavior(step.proration),
            "activates_on_payment": step.activates,
            "features": _bought(step.plan, step.seats),
        }
        plan, preview, refusal = self.plans[step.plan], None, None
        try:
            preview = await subscriptions.preview(self.tenant, id, plan, step.every, **fields)
        except Refusal as by:
            refusal = type(by)
        try:
            await subscriptions.change(self.tenant, id, plan, step.every, **fields)
        except Refusal as by:
            # A preview is refused for the same reason.
            if type(by) is refusal:
                raise
            raise AssertionError(refusal) from by
        assert preview is not None
        before.card = Card.SUCCEEDS
        assert _came_of(before, lambda: before.change(step.plan, step.every, step.seats, step.proration)) == _said(
            preview.invoice
        )
        self._check_forecast(preview, before)

    def _check_forecast(self, preview: Preview, ahead: Model) -> None:
        """Fail unless the preview says of the next invoice what comes of it where nothing comes in between."""
        each = ahead.current
        assert each is not None
        if each.end is None:
            assert (preview.recurring, preview.next_invoice, preview.next_at) == (None, None, None)
            return
        is_last = each.ends_at is not None and each.ends_at <= each.end
        at = each.ends_at if is_last else each.end
        assert at is not None
        assert seconds(preview.next_at) == at
        recurring = None if preview.recurring is None else preview.recurring.total_units
        assert recurring == (None if is_last else total_of(each.price))
        assert _came_of(ahead, lambda: ahead.advance(at)) == _said(preview.next_invoice)
        self.model.met["the last invoice is foretold" if is_last else "the next invoice is foretold"] += 1

    def _date(self, days: int) -> date:
        return (self.now + timedelta(days=days)).date()

    def _seconds(self, on: date) -> int:
        return round((datetime(on.year, on.month, on.day, tzinfo=UTC) - AT).total_seconds())

    async def _id_of(self, *statuses: str) -> UUID:
        """Return the id of the newest record of such a status."""
        return UUID([row["id"] for row in await self._records() if row["status"] in statuses][-1])

    async def _records(self) -> list[dict[str, Any]]:
        async with reading(self.tenant) as tx:
            return await tx.value(
                "SELECT coalesce(json_agg(to_jsonb(s) || jsonb_build_object('plan', p.identifier) ORDER BY s.seq),"
                "  '[]') FROM subscriptions AS s JOIN plans AS p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id"
                " WHERE s.tenant_id = %s",
                (tx.tenant_id,),
            )

    async def check(self) -> None:
        """Fail unless both say the same, and whatever holds for every subscription holds."""
        rows, model = await self._records(), self.model
        for row in rows:
            was = self.statuses.get(row["id"])
            assert row["status"] in FOLLOWS
            assert was is None or was == row["status"] or row["status"] in FOLLOWS[was], (was, row["status"])
            self.statuses[row["id"]] = row["status"]
        expected = model.past + Counter(each.status for each in model.subscriptions)
        expected["incomplete"] += sum(each.waiting is not None and each.is_in_force for each in model.subscriptions)
        assert Counter(row["status"] for row in rows) == expected
        lineages = list(dict.fromkeys(row["lineage_id"] for row in rows))
        lines = await self._lines()
        for lineage, subscription in zip(lineages, model.subscriptions, strict=True):
            records = [row for row in rows if row["lineage_id"] == lineage]
            stands = [row for row in records if row["status"] not in ("superseded", "incomplete", "incomplete_expired")]
            [shown] = stands or [records[0]]
            assert self._shown(shown) == _expected(subscription)
            self._check_stretches(lines.get(lineage, []), shown, subscription)
        assert Counter(line for each in lines.values() for _, line in each) == Counter(model.lines)
        kept = await money.kept(self.tenant, self.customer)
        assert Counter(order[:4] for order in kept.orders) == Counter(order.kept for order in model.orders)
        assert Counter(payment[:2] for payment in kept.gateway) == Counter(model.payments)
        assert kept.credit == model.credit

    async def _lines(self) -> dict[str, list[tuple[bool, Item]]]:
        """Return what was invoiced, by lineage, and whether that counts: not where it never took effect."""
        async with reading(self.tenant) as tx:
            rows: list[Any] = await tx.value(
                "SELECT coalesce(json_agg(json_build_array(coalesce(o.lineage_id, s.lineage_id, i.subscription_id),"
                "  o.collection IS DISTINCT FROM 'until_authenticated' OR o.status = 'COMPLETE', line)), '[]')"
                " FROM invoices AS i LEFT JOIN orders AS o ON o.tenant_id = i.tenant_id AND o.id = i.order_id"
                " LEFT JOIN subscriptions AS s ON s.tenant_id = i.tenant_id AND s.id = i.subscription_id,"
                " json_array_elements(i.lines) AS line WHERE i.tenant_id = %s",
                (tx.tenant_id,),
            )
        found: dict[str, list[tuple[bool, Item]]] = {}
        for lineage, counts, line in rows:
            found.setdefault(lineage, []).append((counts, _item(line, line["period_start"], line["period_end"])))
        return found

    def _check_stretches(self, lines: list[tuple[bool, Item]], shown: dict[str, Any], expected: Subscription) -> None:
        """Fail unless every stretch from the start to now is billed once, or as often as somebody knows better."""
        if expected.status in ("incomplete", "incomplete_expired"):
            return
        billed = [(*stretch, False) for stretch in expected.apart]
        for item in [*(line for counts, line in lines if counts), *map(_carried, shown["carried"])]:
            billed += [(*stretch, True) for stretch in item.times((item.units > 0) - (item.units < 0))]
        start, until = expected.started, expected.once or expected.ended or self.model.now
        instants = {start, *(at for each in billed for at in each[:2])}
        for at in sorted(each for each in instants if start <= each < until):
            here = [(times if is_billed else -times) for begin, end, times, is_billed in billed if begin <= at < end]
            assert sum(here) == 1, (at, billed)

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        [name] = [name for name, plan in self.plans.items() if plan == row["plan"]]
        return {
            "status": row["status"],
            "terms": (name, row["charge_period"], *(each["quantity"] for each in row["features"])),
            "period": (seconds(row["period_start"]), seconds(row["period_end"])),
            "trial_end": seconds(row["trial_end_at"]),
            "worth": [part["amount_units"] for part in row["worth"]],
            "carried": [_carried(item) for item in row["carried"]],
            "ends_at": seconds(row["ends_at"]),
            "owing": (seconds(row["owing_since"]), row["retries"], seconds(row["retry_at"])),
            "collecting": row["collecting_since"],
        }


def _expected(each: Subscription) -> dict[str, Any]:
    return {
        "status": each.status,
        "terms": each.terms if each.plan == "seated" else each.terms[:2],
        "period": (each.start, each.end),
        "trial_end": each.trial_end,
        "worth": each.worth,
        "carried": each.carried,
        "ends_at": each.ends_at if each.ended is None else each.ended,
        "owing": (each.owing, each.retries, each.retry_at),
        "collecting": None,
    }


def _item(line: dict[str, Any], start: str | None, end: str | None) -> Item:
    return Item(line["amount_units"], seconds(start), seconds(end), "seats" in line["what"])


def _carried(item: dict[str, Any]) -> Item:
    period = item["period"] or {"start": None, "end": None}
    return _item(item, period["start"], period["end"])


def _bought(plan: str, seats: int) -> list[BoughtFeature] | None:
    return [BoughtFeature("seats", seats)] if plan == "seated" else None


def _came_of(model: Model, do: Any) -> tuple[list[tuple[int, int]], int]:
    """Return which orders come of something, with what credit pays of them, and what becomes credit."""
    orders, credit = len(model.orders), model.credit
    do()
    return [(order.total, order.credit) for order in model.orders[orders:]], model.credit - credit


def _said(invoice: Invoice | None) -> tuple[list[tuple[int, int]], int]:
    """Return the same of what a preview says."""
    if invoice is None or invoice.total_units < 0:
        return [], 0 if invoice is None else -invoice.total_units
    return [(invoice.total_units, invoice.credit_units)], -invoice.credit_units
