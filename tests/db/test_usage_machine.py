"""Whatever is reported, replayed, changed, overridden and set to zero, in whatever order and at whatever time: what the
customer may do is what somebody makes of it who goes through time hour by hour and counts unit by unit.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.catalog.prices.records import MeterTerms, Rollover
from kelviq_server.core.allowance import Enforce
from kelviq_server.core.calendar import Reset, ResetTime
from kelviq_server.core.errors import Refusal
from kelviq_server.entitlements.actions.check_entitlements import check_entitlements
from kelviq_server.platform.database import Tenant
from kelviq_server.subscriptions.endings.records import CancellationType
from kelviq_server.subscriptions.purchases.actions.create_subscription import create_subscription
from kelviq_server.subscriptions.purchases.records import CreateSubscription, Offer
from kelviq_server.usage.reports.actions.record_reports import record_reports
from kelviq_server.usage.reports.records import Accepted, Outcome, Report
from tests import make, metering, money, subscriptions
from tests.db.usage_model import AT, HOUR, PLANS, Model, Subscription, Terms
from tests.make import Made
from tests.metering import MONTHLY, Granting

RESETS = {
    "never": (Reset.NEVER, None),
    "each day": (Reset.EVERY_DAY, ResetTime.BEGINNING_OF_PERIOD),
    "each week": (Reset.EVERY_WEEK, ResetTime.BEGINNING_OF_PERIOD),
    "each month": (Reset.EVERY_MONTH, ResetTime.SUBSCRIPTION_START),
}


@dataclass(frozen=True)
class Uses:
    """So many calls are reported that were made so many hours ago."""

    how: Literal["DELTA", "SET"]
    value: int
    ago: int
    enforce: Enforce | None
    key: str | None


@dataclass(frozen=True)
class Happens:
    """An event is reported: so many tokens, by somebody, so many hours ago."""

    tokens: int
    user: str
    ago: int
    key: str | None


@dataclass(frozen=True)
class Subscribes:
    """The customer subscribes to another plan, besides what they have."""

    plan: str


@dataclass(frozen=True)
class Changes:
    """One of the subscriptions gets another plan."""

    which: int
    plan: str


@dataclass(frozen=True)
class Cancels:
    """One of the subscriptions ends, now or with its period."""

    which: int
    at_once: bool


@dataclass(frozen=True)
class Overrides:
    """A limit holds for the customer instead, or none does, for so many hours."""

    meter: str
    limit: int | None
    hours: int


@dataclass(frozen=True)
class TakesBack:
    """What holds instead does so no longer."""

    meter: str


@dataclass(frozen=True)
class Zero:
    """Usage of a meter is set to zero."""

    meter: str


Step = Uses | Happens | tuple[Uses | Happens, ...] | Subscribes | Changes | Cancels | Overrides | TakesBack | Zero | int

plans, which, keys = st.sampled_from(list(PLANS)), st.integers(0, 2), st.sampled_from([None, None, "k1", "k2", "k3"])
meters = st.sampled_from(["calls", "calls", "tokens", "users", "peak"])
agos = st.sampled_from([0, 0, 0, 0, 1, 5, 30, 24 * 8])
uses = st.builds(
    Uses, st.sampled_from(["DELTA", "DELTA", "DELTA", "SET"]), st.integers(-6, 25), agos,
    st.sampled_from([None, None, *Enforce]), keys,
)  # fmt: skip
happenings = st.builds(Happens, st.integers(-3, 30), st.sampled_from("abcdefg"), agos, keys)
reported = st.one_of(uses, happenings)
steps: st.SearchStrategy[Any] = st.one_of(
    reported,
    st.lists(reported, min_size=2, max_size=5).map(tuple),
    st.sampled_from([1, 8, 15, 24, 24 * 3, 24 * 7, 24 * 29, 24 * 31]),
    st.builds(Subscribes, plans),
    st.builds(Changes, which, plans),
    st.builds(Cancels, which, st.booleans()),
    st.builds(Overrides, meters, st.none() | st.integers(0, 40), st.sampled_from([15, 30, 24 * 10, 24 * 100])),
    st.builds(TakesBack, meters) | st.builds(Zero, meters),
)


class Machine:
    """Does each step with the modules, and by hand."""

    def __init__(self, tenant: Tenant, customer: str, plans: dict[str, str], features: dict[str, UUID]) -> None:
        self.tenant, self.customer, self.plans, self.features = tenant, customer, plans, features
        self.model = Model()
        # What was counted under a key, and where that is kept.
        self.keys: dict[str, tuple[Uses | Happens, UUID, datetime]] = {}

    async def do(self, step: Step) -> None:
        match step:
            case int():
                await self._pass(step)
            case Uses() | Happens():
                await self._report((step,))
            case tuple():
                await self._report(step)
            case _:
                # Two things at one instant come in no order that time would tell.
                await self._pass(1)
                await self._change(step)

    async def _pass(self, hours: int) -> None:
        self.model.advance(hours)
        await subscriptions.advance(self.tenant, self.model.now)

    async def _change(self, step: Step) -> None:
        model = self.model
        in_force = [each for each in model.subscriptions if not each.is_over]
        match step:
            case Subscribes(plan) if len(in_force) < 3:
                model.subscribe(plan, await self._subscribe(plan))
            case Changes(which, plan) if which < len(in_force) and in_force[which].plan != plan:
                if in_force[which].ends_at is None:
                    await self._change_plan(in_force[which], plan)
                    model.change(in_force[which], plan)
            case Cancels(which, at_once) if which < len(in_force):
                type = CancellationType.IMMEDIATE if at_once else CancellationType.CURRENT_PERIOD_ENDS
                if at_once or in_force[which].ends_at is None:
                    id = await subscriptions.current(self.tenant, in_force[which].lineage)
                    await subscriptions.cancel(self.tenant, id, type)
                    model.cancel(in_force[which], at_once=at_once)
            case Overrides(meter, limit, hours):
                until = model.now + hours * HOUR
                await metering.override(self.tenant, self.customer, self.features[meter], limit, until)
                model.override(meter, limit, until)
            case TakesBack(meter) if meter in model.overrides:
                await metering.no_override(self.tenant, self.customer, self.features[meter])
                model.no_override(meter)
            case Zero(meter):
                await metering.zero(self.tenant, self.customer, self.features[meter])
                model.zero(meter)
            case _:
                pass

    async def _subscribe(self, plan: str) -> UUID:
        offer = Offer(self.plans[plan], MONTHLY, _bought(plan))
        done = await create_subscription(self.tenant, CreateSubscription(self.customer, offer, None))
        return done.subscription.lineage_id

    async def _change_plan(self, each: Subscription, plan: str) -> None:
        id = await subscriptions.current(self.tenant, each.lineage)
        await subscriptions.change(self.tenant, id, self.plans[plan], features=_bought(plan))

    async def _report(self, said: tuple[Uses | Happens, ...]) -> None:
        outcomes = await record_reports(self.tenant, [self._said(each) for each in said])
        for each, outcome in zip(said, outcomes, strict=True):
            assert _shown(outcome, each) == self._by_hand(each, outcome), each

    def _said(self, each: Uses | Happens) -> Report:
        at = self.model.now - each.ago * HOUR
        if isinstance(each, Happens):
            properties = f'{{"tokenCount": {each.tokens}, "user": "{each.user}"}}'
            report = metering.event(self.customer, properties, at, key=each.key)
        else:
            value = abs(each.value) if each.how == "SET" else each.value
            report = metering.usage(
                self.customer, value, behaviour=each.how, happened_at=at, enforce=each.enforce, key=each.key
            )
        return report

    def _by_hand(self, each: Uses | Happens, outcome: Outcome) -> Any:
        """Return what comes of a report: the name of what refuses it, or what is counted of it."""
        at = self.model.now - each.ago * HOUR
        if each.key in self.keys:
            said, id, said_at = self.keys[each.key]
            if (said, said_at) != (each, at):
                return "KeyOfAnother"
            assert isinstance(outcome, Accepted)
            assert outcome.id == id
            return _shown(outcome, each)
        if isinstance(each, Happens):
            self.model.happen(each.tokens, each.user, at)
            came: Any = (None, None)
        else:
            value = abs(each.value) if each.how == "SET" else each.value
            came = self.model.use(each.how, value, at, each.enforce)
            if not isinstance(came, str) and each.enforce is None:
                came = (None, None)
            elif not isinstance(came, str) and each.how == "SET":
                came = (None, came[1])
        if each.key is not None and isinstance(outcome, Accepted):
            self.keys[each.key] = (each, outcome.id, at)
        return came

    async def check(self) -> None:
        found = await check_entitlements(self.tenant, self.customer, None)
        assert (
            Counter(
                (each.feature, each.has_access, each.resets_at, each.is_hard, each.limit, each.used, each.left)
                for each in found
            )
            == self.model.may()
        )


def _shown(outcome: Outcome, each: Uses | Happens) -> Any:
    return type(outcome).__name__ if isinstance(outcome, Refusal) else (outcome.counted, outcome.beyond)


def _bought(plan: str) -> list[BoughtFeature]:
    return [BoughtFeature(meter, terms.limit or 0) for meter, terms in PLANS[plan].items() if terms.carry is not None]


def _granting(feature: UUID, terms: Terms) -> Granting:
    reset, time = RESETS[terms.begins]
    rollover = None if terms.carry is None else Rollover(True, Decimal(terms.carry[0]), terms.carry[1])
    return Granting(
        feature, terms.limit, MeterTerms(reset, time, rollover=rollover), terms.is_hard, rollover is not None
    )


async def machine_of(tenant: Tenant) -> Machine:
    await make.freeze_clock(tenant, AT)
    features = {
        "calls": await metering.meter(tenant),
        "tokens": await metering.meter_of_events(tenant, "tokens", Aggregation.SUM, "token_count"),
        "users": await metering.meter_of_events(tenant, "users", Aggregation.UNIQUE, "user"),
        "peak": await metering.meter_of_events(tenant, "peak", Aggregation.MAX, "tokenCount"),
        "last": await metering.meter_of_events(tenant, "last", Aggregation.LATEST, "tokenCount"),
    }
    ids = {name: feature.id for name, feature in features.items()}
    plans = {
        name: await metering.plan(tenant, *(_granting(ids[meter], terms) for meter, terms in granted.items()))
        for name, granted in PLANS.items()
    }
    return Machine(tenant, await money.customer(tenant), plans, ids)


async def live(machine: Machine, *taken: Step) -> None:
    for step in taken:
        await machine.do(step)
        await machine.check()
    await money.assert_books_right(machine.tenant)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans, st.lists(steps, min_size=1, max_size=16))
async def test_a_customer_may_do_what_somebody_makes_of_it_who_counts_by_hand(
    pool: None, first: str, taken: list[Step]
) -> None:
    await live(await machine_of((await make.organization()).sandbox), Subscribes(first), *taken)


def happens(tokens: int, user: str, ago: int = 0) -> Happens:
    return Happens(tokens, user, ago, None)


# What hardly ever comes about by chance.
LIVES: Mapping[str, tuple[Step, ...]] = {
    "what was used between two plans joins what was used before": (
        Subscribes("daily"), (happens(9, "a"), happens(4, "b")), Changes(0, "empty"),
        (happens(5, "b"), happens(7, "c")), Changes(0, "daily"), happens(1, "c"),
    ),
    "what was used last between two plans is what is latest": (
        Subscribes("large"), happens(9, "a"), Changes(0, "empty"), happens(5, "b"), 1, happens(7, "c", 1),
        Changes(0, "large"), happens(3, "c", 1),
    ),
    "what was used last before is still latest when less late is moved": (
        Subscribes("large"), Changes(0, "empty"), happens(5, "b", 1), Changes(0, "large"), happens(3, "c", 5),
    ),
    "a value that was moved once counts again when nothing grants the meter again": (
        Subscribes("empty"), happens(1, "a"), Subscribes("daily"), Cancels(1, True), happens(1, "a"),
        Subscribes("daily"), happens(1, "a"),
    ),
    "an override that runs out while nobody looks decides what is carried until then": (
        Subscribes("daily"), Overrides("calls", 40, 30), 24 * 5,
    ),
    "an override that holds until a period ends decides what is carried from it": (
        Subscribes("daily"), Overrides("calls", 40, 13), 24, 24,
    ),
    "what was carried before an override came was carried without it": (
        Subscribes("daily"), 24 * 2, Overrides("calls", 40, 24 * 100), TakesBack("calls"), 24 * 2,
    ),
    "what was carried before another subscription took part of an override stays": (
        Subscribes("large"), Overrides("calls", 40, 24 * 100), 24 * 40, Subscribes("small"), 24 * 40,
        TakesBack("calls"),
    ),
    "two subscriptions are drawn from in their order": (
        Subscribes("small"), Subscribes("large"), Uses("DELTA", 25, 0, None, None), 15,
        Uses("DELTA", 12, 30, None, None), Uses("SET", 20, 0, None, None), Uses("DELTA", -30, 0, None, None),
    ),
    "what is late of the last period in which anything was used counts in that day alone": (
        Subscribes("daily"), Uses("DELTA", 3, 0, None, None), happens(3, "a"), 72,
        Uses("DELTA", 4, 72, None, None), happens(8, "b", 72),
    ),
    "usage that was set to zero counts what was used since": (
        Subscribes("large"), Uses("DELTA", 9, 0, None, None), happens(3, "a"), 5, Zero("calls"), Zero("peak"),
        Uses("DELTA", 4, 5, None, None), Uses("DELTA", 2, 0, None, None), happens(2, "a", 5), happens(1, "a"),
    ),
    "what is reported of a time before usage was set to zero counts in that day when nothing grants it, too": (
        Subscribes("small"), Cancels(0, True), Zero("calls"), Uses("DELTA", 3, 1, None, None),
        Uses("DELTA", 3, 1, Enforce.REJECT, None), Uses("DELTA", 2, 0, None, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("taken", LIVES.values(), ids=LIVES)
async def test_in_rarer_cases_too(made: Made, taken: tuple[Step, ...]) -> None:
    await live(await machine_of(made.sandbox), *taken)
