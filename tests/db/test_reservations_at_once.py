"""However many reserve, settle, release and wait at once, what is held never goes beyond a limit and ends once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from kelviq_server.catalog.prices.records import MeterTerms
from kelviq_server.core.allowance import Enforce
from kelviq_server.core.calendar import Reset, ResetTime
from kelviq_server.entitlements.actions.check_entitlements import check_entitlements
from kelviq_server.platform.database import Tenant, current_pool
from kelviq_server.usage.reports.actions.record_reports import record_reports
from kelviq_server.usage.reports.records import Report
from kelviq_server.usage.reservations.actions.expire_reservations import expire_reservations
from kelviq_server.usage.reservations.actions.release_reservation import release_reservation
from kelviq_server.usage.reservations.actions.reserve_usage import reserve_usage
from kelviq_server.usage.reservations.actions.settle_reservation import settle_reservation
from kelviq_server.usage.reservations.actions.show_reservation import show_reservation
from kelviq_server.usage.reservations.records import NewReservation, Reservation
from tests import make, metering, money, subscriptions
from tests.api import subscriptions as subs
from tests.api import usage
from tests.api.conftest import Client
from tests.db.at_once import at_once, somebody_waits_for
from tests.make import Made
from tests.metering import Granting

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MONTHLY = MeterTerms(Reset.EVERY_MONTH, ResetTime.SUBSCRIPTION_START)
MANY = 30


def calls(amount: int, **fields: Any) -> NewReservation:
    return NewReservation("ada", "calls", amount, **{"seconds": 60, **fields})


async def used(tenant: Tenant) -> list[tuple[int | None, int | None]]:
    """Return limit and usage of each subscription that grants calls, with what is held."""
    return [(each.limit, each.used) for each in await check_entitlements(tenant, "ada", "calls")]


@pytest.fixture
async def tenant(api: Client, made: Made) -> Tenant:
    """A sandbox whose clock stands still, and a plan that grants ten calls a month, to which Ada is subscribed."""
    await subs.freeze(api)
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    return made.sandbox


@pytest.mark.parametrize(("amount", "times"), [(1, 10), (3, 3), (10, 1), (11, 0)])
async def test_many_who_reserve_at_once_get_what_is_left_and_no_more(tenant: Tenant, amount: int, times: int) -> None:
    done = await at_once(*(reserve_usage(tenant, calls(amount)) for _ in range(MANY)))
    assert done == Counter({"HELD": times, "NotEnoughLeft": MANY - times})
    assert await used(tenant) == [(10, amount * times)]
    await money.assert_books_right(tenant)


async def test_many_who_reserve_and_report_at_once_get_what_is_left_and_no_more(tenant: Tenant) -> None:
    report = Report("ada", feature="calls", value=2, enforce=Enforce.REJECT)
    reported, reserved = await asyncio.gather(
        asyncio.gather(*(record_reports(tenant, [report]) for _ in range(10))),
        at_once(*(reserve_usage(tenant, calls(2)) for _ in range(10))),
    )
    counted = Counter(type(each).__name__ for [each] in reported)
    assert counted["Accepted"] + reserved["HELD"] == 5
    assert counted["NothingLeft"] + reserved["NotEnoughLeft"] == 15
    assert await used(tenant) == [(10, 10)]


async def test_the_same_key_at_once_holds_once_and_is_answered_alike(tenant: Tenant) -> None:
    answers = await asyncio.gather(*(reserve_usage(tenant, calls(10, key="k")) for _ in range(MANY)))
    assert len({each.id for each in answers}) == 1
    assert await used(tenant) == [(10, 10)]
    others = await at_once(*(reserve_usage(tenant, calls(1, key="k")) for _ in range(MANY)))
    assert others == Counter({"KeyOfAnotherReservation": MANY})


async def test_the_same_key_at_once_for_different_customers_holds_for_one(tenant: Tenant) -> None:
    names = [(await make.customer(tenant)).external_id for _ in range(10)]
    done = await at_once(*(reserve_usage(tenant, NewReservation(name, "calls", 1, 60, "k")) for name in names))
    assert done == Counter({"HELD": 1, "KeyOfAnotherReservation": 9})
    await money.assert_books_right(tenant)


async def test_what_is_settled_many_times_at_once_is_counted_once(tenant: Tenant) -> None:
    held = await reserve_usage(tenant, calls(4))
    done = await at_once(*(settle_reservation(tenant, held.id, 3) for _ in range(MANY)))
    assert done == Counter({"SETTLED": MANY})
    assert await used(tenant) == [(10, 3)]
    await money.assert_books_right(tenant)


async def test_who_settles_releases_and_waits_at_once_sees_one_end(tenant: Tenant) -> None:
    ends = Counter[str]()
    settled = 0
    for round in range(20):
        await make.freeze_clock(tenant, AT + round * MINUTE)
        held = await reserve_usage(tenant, calls(2, seconds=60))
        if round % 2:
            await make.freeze_clock(tenant, held.expires_at)
        done = await at_once(*in_another_order(round // 2, tenant, held))
        end = await show_reservation(tenant, held.id)
        ends[end.status] += 1
        settled += end.value or 0
        # Nobody was told of another end than the one that it came to.
        assert {status for status in done if status in ("SETTLED", "RELEASED", "EXPIRED")} <= {end.status}, done
        assert await used(tenant) == [(10, settled)]
        await make.freeze_clock(tenant, AT + (round + 1) * MINUTE)
        assert await expire_reservations(tenant, 10) == 0
    # Whenever its time was over before anybody began.
    assert ends["EXPIRED"] >= 10
    await money.assert_books_right(tenant)


def in_another_order(round: int, tenant: Tenant, held: Reservation) -> list[Awaitable[Any]]:
    """Return what is done about a reservation at once, in another order in each round."""

    async def wait() -> None:
        await make.freeze_clock(tenant, held.expires_at)
        await expire_reservations(tenant, 10)

    works = [
        settle_reservation(tenant, held.id, round % 2),
        release_reservation(tenant, held.id),
        wait(),
        expire_reservations(tenant, 10),
    ]
    return works[round % 4 :] + works[: round % 4]


# What begins or ends a reservation whose time is over by the second minute.
DONE: dict[str, Callable[[Tenant, UUID], Awaitable[Any]]] = {
    "reserve": lambda tenant, _: reserve_usage(tenant, calls(13)),
    "settle": lambda tenant, id: settle_reservation(tenant, id, 13),
    "release": release_reservation,
    "expire": lambda tenant, _: expire_reservations(tenant, 10),
}


@pytest.mark.parametrize("what", DONE)
@pytest.mark.parametrize("whom", ["the customer", "an allowance"])
async def test_whoever_waits_for_one_that_another_has_holds_up_nobody(
    api: Client, made: Made, what: str, whom: str
) -> None:
    await subs.freeze(api)
    for plan, reset in (("weekly", "EVERY_WEEK"), ("monthly", "EVERY_MONTH"), ("yearly", "EVERY_YEAR")):
        await usage.metered(api, plan, reset=reset)
    await usage.subscriber(api, "monthly", "weekly", "yearly")
    held = await reserve_usage(made.sandbox, calls(13))
    if what == "expire":
        await make.freeze_clock(made.sandbox, AT + MINUTE)
    async with current_pool().connection() as connection, connection.transaction():
        if whom == "the customer":
            # As somebody does with whom a subscription begins.
            await connection.execute("SELECT FROM customers WHERE id = %s FOR NO KEY UPDATE", (held.customer_id,))
        else:
            await connection.execute(
                "SELECT FROM allowances WHERE customer_id = %s ORDER BY lineage_id LIMIT 1 FOR NO KEY UPDATE",
                (held.customer_id,),
            )
        doing = asyncio.ensure_future(DONE[what](made.sandbox, held.id))
        await somebody_waits_for(connection.info.backend_pid)
        # Or they would wait for each other.
        await connection.execute(
            "SELECT FROM allowances WHERE customer_id = %s FOR NO KEY UPDATE NOWAIT", (held.customer_id,)
        )
    await doing
    await money.assert_books_right(made.sandbox)


async def test_workers_who_expire_at_once_give_each_back_once(tenant: Tenant) -> None:
    await usage_of_nobody(tenant, 5)
    for _ in range(5):
        await reserve_usage(tenant, calls(2))
    await make.freeze_clock(tenant, AT + MINUTE)
    expired = await asyncio.gather(*(expire_reservations(tenant, 4) for _ in range(8)))
    while more := await expire_reservations(tenant, 4):
        expired.append(more)
    assert sum(expired) == 10
    assert await used(tenant) == [(10, 0)]
    await money.assert_books_right(tenant)


async def usage_of_nobody(tenant: Tenant, count: int) -> None:
    """Let something be held for so many whom no subscription grants anything."""
    for _ in range(count):
        customer = await make.customer(tenant)
        await reserve_usage(tenant, NewReservation(customer.external_id, "calls", 1, 60))


async def test_what_is_held_while_subscriptions_begin_counts_for_them(made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    meter = await metering.meter(made.sandbox)
    plan = await metering.plan(made.sandbox, Granting(meter.id, 100, MONTHLY))
    names = [await money.customer(made.sandbox) for _ in range(8)]
    held: dict[str, list[Reservation]] = {name: [] for name in names}

    async def reserving(name: str) -> None:
        for _ in range(4):
            held[name].append(await reserve_usage(made.sandbox, NewReservation(name, "calls", 3, 60)))

    await asyncio.gather(
        *(reserving(name) for name in names for _ in range(2)),
        *(subscriptions.subscribe(made.sandbox, plan, name) for name in names),
    )
    assert [await metering.counted(made.sandbox, name) for name in names] == [[(100, 24)]] * 8
    for name in names:
        await asyncio.gather(*(settle_reservation(made.sandbox, each.id, 1) for each in held[name]))
        assert await metering.counted(made.sandbox, name) == [(100, 8)]
    await money.assert_books_right(made.sandbox)


async def test_what_is_settled_while_the_plan_changes_and_ends_is_neither_lost_nor_doubled(
    api: Client, tenant: Tenant
) -> None:
    await usage.metered(api, "large", value=100)
    [ada] = (await api.get("/subscriptions/")).json()["results"]
    held = [await reserve_usage(tenant, calls(2)) for _ in range(5)]
    later: list[UUID] = [each.id for each in held]
    changed, *_ = await asyncio.gather(
        subs.updated(api, ada, "large"),
        settle_reservation(tenant, later[0], 3),
        release_reservation(tenant, later[1]),
        settle_reservation(tenant, later[2], 1),
    )
    assert await used(tenant) == [(100, 8)]
    await asyncio.gather(
        subs.cancelled(api, changed), settle_reservation(tenant, later[3], 2), release_reservation(tenant, later[4])
    )
    assert await used(tenant) == []
    await money.assert_books_right(tenant)
