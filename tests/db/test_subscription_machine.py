"""Whatever happens to a subscription in whatever order, it is what somebody makes of it who adds up by hand.

And after every step: no status but a documented one, reached as documented; every stretch of time billed once; the
books balance; what a change was said to cost is what it cost.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.errors import Refusal
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.subscriptions.changes.records import EndTrial, Preview, ProrationBehavior
from kelviq_server.subscriptions.endings.actions.keep_subscription import keep_subscription
from kelviq_server.subscriptions.endings.records import CancellationType
from tests import make, money, subscriptions
from tests.db.subscription_model import AT, HOUR, PRICES, TRIAL_DAYS, Model, Proration, Refused
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
CARDS = (
    Card.SUCCEEDS,
    Card.FAILS_LATER,
    Card.ASKS_FOR_AUTHENTICATION,
    Card.LOSES_THE_ANSWER,
    Card.ANSWERS_LATE,
    Card.DECLINES_LATE,
)


@dataclass(frozen=True)
class Creates:
    """The customer subscribes, unless there is something already."""

    plan: str
    every: ChargePeriod


@dataclass(frozen=True)
class Changes:
    """The customer gets another plan, or the same every month rather than every week."""

    plan: str
    every: ChargePeriod
    proration: Proration
    activates: bool


@dataclass(frozen=True)
class Cancels:
    """The subscription is to end: now, with its period, or so many days later."""

    how: Literal["IMMEDIATE", "CURRENT_PERIOD_ENDS", "SPECIFIC_DATE"]
    days: int


Step = Creates | Changes | Cancels | Card | int | Literal["the trial ends now", "it goes on"]

plans, periods = st.sampled_from(list(PRICES)), st.sampled_from([ChargePeriod.WEEKLY, ChargePeriod.MONTHLY])
proration: st.SearchStrategy[Any] = st.sampled_from([each.value for each in ProrationBehavior])
creations = st.builds(Creates, plans, periods)
# Time passes between most things that happen.
steps: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([1, 5, 26, 75, 24 * 7, 24 * 16, 24 * 31]).map(lambda hours: hours * HOUR),
    st.builds(Changes, plans, periods, proration, st.booleans()),
    st.sampled_from(CARDS),
    st.builds(Cancels, st.sampled_from(["IMMEDIATE", "CURRENT_PERIOD_ENDS", "SPECIFIC_DATE"]), st.integers(0, 9)),
    creations,
    st.sampled_from(["the trial ends now", "it goes on"]),
)


def seconds(at: str | None) -> int | None:
    return None if at is None else round((datetime.fromisoformat(at) - AT).total_seconds())


class Machine:
    """Does each step with the module, and by hand."""

    def __init__(self, tenant: Tenant, plans: dict[str, str], customer: str) -> None:
        self.tenant, self.plans, self.customer, self.model = tenant, plans, customer, Model()
        self.statuses: dict[str, str] = {}
        # What the last preview said of the next invoice: when it comes, what it comes to, what is due of it.
        self.forecast: tuple[int, int, int] | None = None

    @property
    def now(self) -> datetime:
        return AT + timedelta(seconds=self.model.now)

    async def do(self, step: Step) -> None:
        refused, refusal = None, None
        expected = self.forecast
        if not isinstance(step, int):
            self.forecast = None
        try:
            self._model(step)
        except Refused as by:
            refused = str(by)
        if refused in ("nothing in force", "no trial", "something there"):
            return
        try:
            await self._module(step)
        except Refusal as by:
            refusal = type(by).__name__
        assert refusal == refused
        await subscriptions.do_due(self.tenant)
        # Of a last payment whose answer got lost somebody hears a little later.
        await subscriptions.let_leases_end(self.tenant)
        await subscriptions.do_due(self.tenant)
        if isinstance(step, int) and expected is not None and self.model.now >= expected[0]:
            self.forecast = None
            await self._check_forecast(*expected)

    def _model(self, step: Step) -> None:
        model = self.model
        match step:
            case Creates(plan, every):
                if any(each.is_in_force or each.open or each.waiting for each in model.subscriptions):
                    raise Refused("something there")
                model.create(plan, every)
            case Changes(plan, every, how, activates):
                model.change(plan, every, how, activates=activates)
            case Cancels(how, days):
                model.cancel(how, self._seconds(self._date(days)))
            case "the trial ends now":
                model.end_trial()
            case "it goes on":
                model.keep()
            case Card():
                model.card = step
            case int():
                model.advance(model.now + step)

    async def _module(self, step: Step) -> None:
        match step:
            case Creates(plan, every):
                await subscriptions.subscribe(self.tenant, self.plans[plan], self.customer, every)
            case Changes(plan, every, how, activates):
                fields = {"proration": ProrationBehavior(how), "activates_on_payment": activates}
                await self._change(self.plans[plan], every, **fields)
            case "the trial ends now":
                row = await self._in_force()
                await self._change(row["plan"], ChargePeriod(row["charge_period"]), end_trial=EndTrial())
            case Cancels(how, days):
                on = self._date(days) if how == "SPECIFIC_DATE" else None
                await subscriptions.cancel(self.tenant, await self._current(), CancellationType(how), on)
            case "it goes on":
                await keep_subscription(self.tenant, await self._current())
            case Card():
                await money.save_card(self.tenant, self.customer, step)
            case int():
                await subscriptions.advance(self.tenant, self.now)

    async def _change(self, plan: str, every: ChargePeriod, **fields: Any) -> None:
        """Change the plan, and fail unless it costs what the preview says."""
        id = await self._current()
        preview = await subscriptions.preview(self.tenant, id, plan, every, **fields)
        before = await money.kept(self.tenant, self.customer)
        changed = await subscriptions.change(self.tenant, id, plan, every, **fields)
        after = await money.kept(self.tenant, self.customer)
        orders = Counter(order[1:3] for order in after.orders) - Counter(order[1:3] for order in before.orders)
        said = preview.invoice
        if said is None or said.total_units < 0:
            assert not orders
            assert after.credit - before.credit == (0 if said is None else -said.total_units)
        else:
            assert orders == Counter([(said.total_units, said.credit_units)])
        current = self.model.current
        if changed != id and current is not None and current.is_in_force and changed == await self._current():
            self._note(preview)

    def _note(self, preview: Preview) -> None:
        """Remember what the next invoice was said to come to, if nothing comes in between."""
        current = self.model.current
        if current is None or current.ends_at is not None or current.open or current.waiting is not None:
            return
        assert preview.next_at is not None
        assert preview.next_invoice is not None
        said = preview.next_invoice
        if said.total_units >= 0:
            at = round((preview.next_at - AT).total_seconds())
            self.forecast = (at, said.total_units, said.credit_units)

    async def _check_forecast(self, at: int, total: int, credit: int) -> None:
        async with reading(self.tenant) as tx:
            found = await tx.value(
                "SELECT json_agg(json_build_array(total_units, credit_units)) FROM orders WHERE tenant_id = %s"
                " AND period_start = %s",
                (tx.tenant_id, AT + timedelta(seconds=at)),
            )
        assert found == [[total, credit]]

    def _date(self, days: int) -> date:
        return (self.now + timedelta(days=days)).date()

    def _seconds(self, on: date) -> int:
        return round((datetime(on.year, on.month, on.day, tzinfo=UTC) - AT).total_seconds())

    async def _in_force(self) -> dict[str, Any]:
        return next(row for row in await self._records() if row["status"] in ("trialing", "active", "past_due"))

    async def _current(self) -> UUID:
        return UUID((await self._in_force())["id"])

    async def _records(self) -> list[dict[str, Any]]:
        names = {plan: name for name, plan in self.plans.items()}
        async with reading(self.tenant) as tx:
            rows = await tx.value(
                "SELECT coalesce(json_agg(to_jsonb(s) || jsonb_build_object('plan', p.identifier) ORDER BY s.seq),"
                "  '[]') FROM subscriptions AS s JOIN plans AS p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id"
                " WHERE s.tenant_id = %s",
                (tx.tenant_id,),
            )
        assert all(row["plan"] in names for row in rows)
        return rows

    async def check(self) -> None:
        """Fail unless both say the same, and whatever holds for every subscription holds."""
        rows = await self._records()
        for row in rows:
            was = self.statuses.get(row["id"])
            assert row["status"] in FOLLOWS
            assert was is None or was == row["status"] or row["status"] in FOLLOWS[was], (was, row["status"])
            self.statuses[row["id"]] = row["status"]
        lineages = list(dict.fromkeys(row["lineage_id"] for row in rows))
        assert len(lineages) == len(self.model.subscriptions)
        for lineage, subscription in zip(lineages, self.model.subscriptions, strict=True):
            records = [row for row in rows if row["lineage_id"] == lineage]
            in_force = [row for row in records if row["status"] in ("trialing", "active", "past_due")]
            assert len(in_force) <= 1
            waiting = [row for row in records if row["status"] == "incomplete"]
            assert len(waiting) == (subscription.waiting is not None)
            stands = [row for row in records if row["status"] not in ("superseded", "incomplete", "incomplete_expired")]
            [shown] = stands or [records[-1]]
            assert _shown(shown, self.plans) == _expected(subscription)
            await self._check_stretches(lineage, shown, subscription)
        kept = await money.kept(self.tenant, self.customer)
        assert Counter(order[:4] for order in kept.orders) == Counter(order.kept for order in self.model.orders)
        assert Counter(payment[:2] for payment in kept.gateway) == Counter(self.model.payments)
        assert kept.credit == self.model.credit
        await money.assert_books_right(self.tenant)

    async def _check_stretches(self, lineage: str, shown: dict[str, Any], expected: Any) -> None:
        """Fail unless every stretch from the start to now is billed once; but for trials, and what nobody credited."""
        async with reading(self.tenant) as tx:
            lines: list[Any] = await tx.value(
                "SELECT coalesce(json_agg(json_build_array(line->>'period_start', line->>'period_end',"
                "  sign((line->>'amount_units')::bigint))), '[]') FROM invoices AS i"
                " LEFT JOIN orders AS o ON o.tenant_id = i.tenant_id AND o.id = i.order_id,"
                " json_array_elements(i.lines) AS line WHERE i.tenant_id = %s"
                " AND (o.lineage_id = %s OR o.id IS NULL AND i.subscription_id IN (SELECT id FROM subscriptions AS s"
                "  WHERE s.tenant_id = i.tenant_id AND s.lineage_id = %s))"
                " AND (o.collection IS DISTINCT FROM 'until_authenticated' OR o.status = 'COMPLETE')",
                (tx.tenant_id, lineage, lineage),
            )
        billed = [(seconds(start), seconds(end), sign) for start, end, sign in lines]
        for item in shown["carried"]:
            sign = 1 if item["amount_units"] > 0 else -1
            billed.append((seconds(item["period"]["start"]), seconds(item["period"]["end"]), sign))
        if expected.has_lost or expected.status in ("incomplete", "incomplete_expired"):
            return
        start = seconds(shown["started_at"])
        end = self.model.now if expected.ended is None else expected.ended
        instants = {start, end, *(at for each in billed for at in each[:2]), *(at for t in expected.trials for at in t)}
        for at in sorted(
            each for each in instants | {a for u in expected.uncredited for a in u} if start <= each < end
        ):
            times = sum(sign for begin, over, sign in billed if begin <= at < over)
            free = any(begin <= at < over for begin, over in expected.trials)
            twice = sum(begin <= at < over for begin, over in expected.uncredited)
            assert times == (0 if free else 1 + twice), (at, billed)


def _shown(row: dict[str, Any], plans: dict[str, str]) -> dict[str, Any]:
    names = {plan: name for name, plan in plans.items()}
    return {
        "status": row["status"],
        "plan": names[row["plan"]],
        "every": row["charge_period"],
        "period": (seconds(row["period_start"]), seconds(row["period_end"])),
        "trial_end": seconds(row["trial_end_at"]),
        "worth": sum(part["amount_units"] for part in row["worth"]),
        "carried": [item["amount_units"] for item in row["carried"]],
        "ends_at": seconds(row["ends_at"]),
        "owing": (seconds(row["owing_since"]), row["retries"], seconds(row["retry_at"])),
        "collecting": row["collecting_since"],
    }


def _expected(each: Any) -> dict[str, Any]:
    return {
        "status": each.status,
        "plan": each.plan,
        "every": each.every,
        "period": (each.start, each.end),
        "trial_end": each.trial_end,
        "worth": each.worth,
        "carried": each.carried,
        "ends_at": each.ends_at if each.ended is None else each.ended,
        "owing": (each.owing, each.retries, each.retry_at),
        "collecting": None,
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(creations, st.lists(steps, min_size=1, max_size=14))
async def test_a_subscription_is_what_somebody_makes_of_it_who_adds_up_by_hand(
    pool: None, first: Creates, taken: list[Step]
) -> None:
    tenant = (await make.organization()).sandbox
    await make.freeze_clock(tenant, AT)
    plans = {
        name: await subscriptions.plan(tenant, *prices.items(), trial_days=TRIAL_DAYS if name == "tried" else 0)
        for name, prices in PRICES.items()
    }
    machine = Machine(tenant, plans, await money.customer(tenant, billing_address=money.GERMANY))
    for step in (first, *taken):
        await machine.do(step)
        await machine.check()
