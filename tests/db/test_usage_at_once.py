"""Whatever is reported at once, by however many: each report counts once, and nothing is lost or told twice."""

import asyncio
from collections import Counter
from decimal import Decimal
from uuid import UUID

import pytest

from kelviq_server.catalog.features.records import Aggregation, Feature
from kelviq_server.catalog.prices.records import MeterTerms, ThresholdType, UsageAlerts
from kelviq_server.core.allowance import Enforce
from kelviq_server.core.calendar import Reset, ResetTime
from kelviq_server.core.errors import Refusal
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.platform.gathering import Gathering
from kelviq_server.usage.reports.actions.record_reports import record_reports
from kelviq_server.usage.reports.records import Accepted, Outcome, Report
from tests import make, metering, money, subscriptions
from tests.db.subscribers import AT
from tests.make import Made
from tests.metering import Granting

MONTHLY = MeterTerms(Reset.EVERY_MONTH, ResetTime.SUBSCRIPTION_START)


@pytest.fixture
async def tenant(made: Made) -> Tenant:
    await make.freeze_clock(made.sandbox, AT)
    return made.sandbox


@pytest.fixture
async def calls(tenant: Tenant) -> Feature:
    return await metering.meter(tenant)


async def subscriber(tenant: Tenant, *plans: str) -> str:
    customer = await money.customer(tenant)
    for plan in plans:
        await subscriptions.subscribe(tenant, plan, customer)
    return customer


class Process:
    """One of several that count reports: what comes at once is written together, and only here."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._gathering = Gathering[Report, Outcome](record_reports, 50)

    async def report(self, report: Report) -> Outcome:
        return await self._gathering.hand_in(self._tenant, report)


async def alerts(tenant: Tenant) -> list[int]:
    """Return the thresholds of which the merchant was told."""
    told = [event for event in await make.events(tenant) if event["type"] == "feature.usage_alert"]
    return [event["data"]["object"]["threshold_value"] for event in told]


async def kept(tenant: Tenant) -> tuple[int, int]:
    """Return how many reports and how many keys are kept."""
    async with reading(tenant) as tx:
        return (
            await tx.value("SELECT count(*) FROM usage_events WHERE tenant_id = %s", (tx.tenant_id,)),
            await tx.value("SELECT count(*) FROM usage_keys WHERE tenant_id = %s", (tx.tenant_id,)),
        )


async def test_of_500_reports_that_cross_a_threshold_at_once_one_tells_it(tenant: Tenant, calls: Feature) -> None:
    told = UsageAlerts(True, (Decimal(50), Decimal(100)), ThresholdType.PERCENTAGE)
    terms = MeterTerms(Reset.EVERY_MONTH, ResetTime.SUBSCRIPTION_START, usage_alerts=told)
    customer = await subscriber(tenant, await metering.plan(tenant, Granting(calls.id, 1000, terms)))
    await metering.report(tenant, customer, 499)
    processes = [Process(tenant) for _ in range(4)]
    await asyncio.gather(*(processes[n % 4].report(metering.usage(customer, 1)) for n in range(500)))
    assert await metering.counted(tenant, customer) == [(1000, 999)]
    assert await alerts(tenant) == [50]
    await asyncio.gather(*(processes[n % 4].report(metering.usage(customer, 1)) for n in range(8)))
    assert await alerts(tenant) == [50, 100]


async def test_of_five_that_want_three_of_ten_at_once_three_have_them(tenant: Tenant, calls: Feature) -> None:
    customer = await subscriber(tenant, await metering.plan(tenant, Granting(calls.id, 10, MONTHLY)))
    wanted = metering.usage(customer, 3, enforce=Enforce.REJECT)
    outcomes = await asyncio.gather(*(record_reports(tenant, [wanted]) for _ in range(5)))
    assert Counter(type(each).__name__ for [each] in outcomes) == {"Accepted": 3, "NothingLeft": 2}
    assert await metering.counted(tenant, customer) == [(10, 9)]


async def test_one_key_counts_once_however_many_send_it_at_once(tenant: Tenant, calls: Feature) -> None:
    customer = await subscriber(tenant, await metering.plan(tenant, Granting(calls.id, 100, MONTHLY)))
    processes = [Process(tenant) for _ in range(4)]
    same, other = (metering.usage(customer, value, key="k") for value in (3, 4))
    outcomes = await asyncio.gather(*(processes[n % 4].report(same) for n in range(40)))
    assert len({each.id for each in outcomes if isinstance(each, Accepted)}) == 1
    outcomes = await asyncio.gather(*(processes[n % 4].report(each) for n, each in enumerate((same, other) * 8)))
    assert Counter(type(each).__name__ for each in outcomes) == {"Accepted": 8, "KeyOfAnother": 8}
    assert await metering.counted(tenant, customer) == [(100, 3)]
    assert await kept(tenant) == (1, 1)


async def test_a_key_whose_report_is_refused_is_free_for_those_who_wait_for_it(tenant: Tenant, calls: Feature) -> None:
    customer = await subscriber(tenant, await metering.plan(tenant, Granting(calls.id, 10, MONTHLY)))
    too_much = metering.usage(customer, 11, key="k", enforce=Enforce.REJECT)
    small = metering.usage(customer, 2, key="k")
    outcomes = await asyncio.gather(*(record_reports(tenant, [each]) for each in (too_much, small) * 5))
    names = Counter(type(each).__name__ for [each] in outcomes)
    # Whoever comes before the first that counts is refused for the limit, and whoever comes later for the key.
    assert names.pop("Accepted") == 5
    assert set(names) <= {"NothingLeft", "KeyOfAnother"}
    assert await metering.counted(tenant, customer) == [(10, 2)]
    assert await kept(tenant) == (1, 1)


async def test_batches_in_opposite_orders_wait_for_each_other_and_go_on(tenant: Tenant, calls: Feature) -> None:
    spaces = await metering.meter(tenant, "spaces")
    grants = [Granting(calls.id, None), Granting(spaces.id, None)]
    plan = await metering.plan(tenant, *grants)
    customers = [await subscriber(tenant, plan) for _ in range(3)] + [await subscriber(tenant) for _ in range(5)]
    places = [(customer, feature) for customer in customers for feature in ("calls", "spaces")]

    def batch(turn: int) -> list[Report]:
        of_turn = places if turn % 2 else list(reversed(places))
        return [metering.usage(*where(place), key=f"{place}") for place in of_turn] + [
            metering.usage(*where(place)) for place in of_turn
        ]

    def where(place: tuple[str, str]) -> tuple[str, int, str]:
        return place[0], 1, place[1]

    outcomes = await asyncio.gather(*(record_reports(tenant, batch(turn)) for turn in range(12)))
    assert all(isinstance(each, Accepted) for batch in outcomes for each in batch)
    # Each key once, and what has none twelve times; what nothing grants shows once something does.
    for customer in customers[3:]:
        await subscriptions.subscribe(tenant, plan, customer)
    for customer, feature in places:
        assert await metering.counted(tenant, customer, feature) == [(None, 13)]


async def test_what_is_reported_while_a_subscription_begins_is_counted_for_it(tenant: Tenant, calls: Feature) -> None:
    plan = await metering.plan(tenant, Granting(calls.id, 100, MONTHLY))
    customers = [await subscriber(tenant) for _ in range(12)]
    # Of half of them something was counted before.
    for customer in customers[::2]:
        await metering.report(tenant, customer, 5)

    async def reporting(customer: str) -> None:
        for _ in range(8):
            await record_reports(tenant, [metering.usage(customer, 1)])

    await asyncio.gather(
        *(reporting(customer) for customer in customers for _ in range(2)),
        *(subscriptions.subscribe(tenant, plan, customer) for customer in customers),
    )
    expected = [[(100, 16 if place % 2 else 21)] for place in range(12)]
    assert [await metering.counted(tenant, customer) for customer in customers] == expected


async def test_what_is_reported_while_plans_change_is_counted_once(tenant: Tenant, calls: Feature) -> None:
    plans = [await metering.plan(tenant, Granting(calls.id, limit, MONTHLY)) for limit in (100, 200, 300)]
    without = await metering.plan(tenant)
    customer = await money.customer(tenant)
    id = (await subscriptions.subscribe(tenant, plans[0], customer)).id
    processes = [Process(tenant) for _ in range(3)]

    async def reporting(process: Process) -> None:
        for _ in range(30):
            await process.report(metering.usage(customer, 1))

    async def changing(id: UUID) -> None:
        for plan in (plans[1], without, plans[2], without, plans[0]):
            id = await subscriptions.change(tenant, id, plan)

    await asyncio.gather(*(reporting(process) for process in processes), changing(id))
    assert await metering.counted(tenant, customer) == [(100, 90)]


async def test_different_values_that_come_at_once_are_counted_once(tenant: Tenant) -> None:
    users = await metering.meter_of_events(tenant, "users", Aggregation.UNIQUE, "user")
    customer = await subscriber(tenant, await metering.plan(tenant, Granting(users.id, 100, MONTHLY)))
    processes = [Process(tenant) for _ in range(3)]
    events = [metering.event(customer, f'{{"user": {number % 10}}}', AT, key=f"e{number}") for number in range(60)]
    outcomes = await asyncio.gather(*(processes[n % 3].report(each) for n, each in enumerate(events * 2)))
    assert not any(isinstance(each, Refusal) for each in outcomes)
    assert await metering.counted(tenant, customer, "users") == [(100, 10)]
    assert await kept(tenant) == (60, 60)


async def test_a_meter_counts_from_the_next_event_on_wherever_it_came_about(tenant: Tenant) -> None:
    customer = await subscriber(tenant)
    # By now this process knows that nothing counts such events.
    await record_reports(tenant, [metering.event(customer, "{}", AT)])
    asks = await metering.meter_of_events(tenant, "asks", Aggregation.COUNT)
    await record_reports(tenant, [metering.event(customer, "{}", AT)])
    await subscriptions.subscribe(tenant, await metering.plan(tenant, Granting(asks.id, 100)), customer)
    assert await metering.counted(tenant, customer, "asks") == [(100, 1)]
