"""What falls due is carried out in order, each at its own instant and once, whoever dies on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import OperationalError
from psycopg.errors import DeadlockDetected, QueryCanceled

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.period import boundary
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.platform.due import DueWork, DueWorks
from kelviq_server.tenants.clocks import rules, store
from kelviq_server.tenants.clocks.actions.advance_clock import advance_clock
from kelviq_server.tenants.clocks.actions.move_clock import move_clock
from kelviq_server.tenants.clocks.actions.take_advance import take_advance
from kelviq_server.tenants.clocks.errors import ClockAdvancing
from kelviq_server.tenants.clocks.jobs import BATCH, Rounds, carry_on
from kelviq_server.tenants.clocks.records import Clock, ClockMove, ClockStatus
from tests import due, make
from tests.due import Broken, Chores
from tests.make import Made
from tests.statements import dying

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
async def clocks(made: Made) -> AsyncIterator[None]:
    """The table of chores, a sandbox that stands still, and no other advance under way."""
    await due.make_table()
    await due.forget()
    await make.freeze_clock(made.sandbox, AT)
    yield
    await due.forget()


def works(*chores: Chores, patience: timedelta = timedelta(minutes=1)) -> DueWorks:
    return DueWorks([each.work for each in chores], patience)


async def advance(tenant: Tenant, to: datetime, due_works: DueWorks) -> Clock:
    """Do what POST does."""
    clock = await move_clock(tenant, ClockMove(now=to))
    assert clock.advance_id is not None
    return await advance_clock(tenant, clock.advance_id, due_works)


async def clock_of(tenant: Tenant) -> Clock:
    async with reading(tenant) as tx:
        return await store.get_clock(tx)


async def let_leases_end() -> None:
    """Let so much machine time pass."""
    async with transaction(INSTANCE) as tx:
        await tx.execute("UPDATE clocks SET leased_until = leased_until - %s", (rules.LEASE,))


async def dies(work: Awaitable[Any], waits: asyncio.Event) -> None:
    """Let the process that does this die as soon as it waits there."""
    task = asyncio.ensure_future(work)
    await waits.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_everything_is_carried_out_in_order_and_at_its_own_instant(made: Made) -> None:
    trials, renewals = Chores("Trials"), Chores("Renewals")
    for chores, hours in ((renewals, 5), (trials, 2), (renewals, 1), (trials, 7), (renewals, 3), (trials, 40)):
        await chores.add(made.sandbox, AT + hours * HOUR)
    clock = await advance(made.sandbox, AT + DAY, works(trials, renewals))
    assert await due.done(made.sandbox) == [
        (name, AT + hours * HOUR, AT + hours * HOUR)
        for name, hours in (("Renewals", 1), ("Trials", 2), ("Renewals", 3), ("Renewals", 5), ("Trials", 7))
    ]
    assert (clock.status, clock.now, clock.carried_out) == (ClockStatus.FROZEN, AT + DAY, 5)


async def test_what_is_due_just_then_is_done_and_what_is_due_a_moment_later_is_not(made: Made) -> None:
    renewals = Chores("Renewals")
    await renewals.add(made.sandbox, AT + HOUR)
    await renewals.add(made.sandbox, AT + HOUR + timedelta(microseconds=1))
    await advance(made.sandbox, AT + HOUR, works(renewals))
    assert await due.done(made.sandbox) == [("Renewals", AT + HOUR, AT + HOUR)]


async def test_of_what_is_due_at_once_the_first_in_the_table_goes_first(made: Made) -> None:
    first, second = Chores("B"), Chores("A")
    await second.add(made.sandbox, AT + HOUR)
    await first.add(made.sandbox, AT + HOUR)
    await advance(made.sandbox, AT + DAY, works(first, second))
    assert [name for name, _, _ in await due.done(made.sandbox)] == ["B", "A"]


async def test_what_is_overdue_is_done_now_and_first(made: Made) -> None:
    renewals = Chores("Renewals")
    await renewals.add(made.sandbox, AT + HOUR)
    await renewals.add(made.sandbox, AT - DAY)
    await advance(made.sandbox, AT + DAY, works(renewals))
    assert [at for _, _, at in await due.done(made.sandbox)] == [AT, AT + HOUR]
    await renewals.add(made.sandbox, AT)
    # A clock that is to stand still where it is does that, too.
    clock = await advance(made.sandbox, AT + DAY, works(renewals))
    assert (clock.now, clock.carried_out) == (AT + DAY, 1)


async def test_what_is_made_on_the_way_falls_due_on_the_way(made: Made) -> None:
    renewals, trials = Chores("Renewals"), Chores("Trials")
    await renewals.add(made.sandbox, AT, again=30)
    await trials.add(made.sandbox, AT + 100 * DAY)
    clock = await advance(made.sandbox, boundary(AT, ChargePeriod.MONTHLY, 24, UTC), works(trials, renewals))
    done = await due.done(made.sandbox)
    months = [boundary(AT, ChargePeriod.MONTHLY, k, UTC) for k in range(25)]
    assert [at for name, _, at in done if name == "Renewals"] == months
    assert all(due_at == at for _, due_at, at in done)
    assert [at for _, _, at in done] == sorted(at for _, _, at in done)
    assert clock.carried_out == 26


async def test_more_than_a_batch_is_due_at_once(made: Made) -> None:
    renewals = Chores("Renewals")
    for _ in range(2 * due.BATCH + 1):
        await renewals.add(made.sandbox, AT + HOUR)
    assert (await advance(made.sandbox, AT + DAY, works(renewals))).carried_out == 2 * due.BATCH + 1


async def test_when_patience_is_over_a_worker_carries_on_and_each_gets_its_turn(made: Made) -> None:
    other, renewals = await make.organization(), Chores("Renewals")
    await make.freeze_clock(other.sandbox, AT)
    hurried = works(renewals, patience=timedelta())
    for tenant in (made.sandbox, other.sandbox):
        await renewals.add(tenant, AT, again=2)
        clock = await advance(tenant, AT + 90 * DAY, hurried)
        assert (clock.status, clock.now, clock.target) == (ClockStatus.ADVANCING, AT + 28 * DAY, AT + 90 * DAY)
    # A worker has patience, too; after that, somebody else's turn comes.
    for tenant in (made.sandbox, other.sandbox, made.sandbox):
        taken = await take_advance()
        assert taken is not None
        assert taken.tenant == tenant
        await advance_clock(taken.tenant, taken.id, hurried)
    await carry_on(works(renewals))
    for tenant in (made.sandbox, other.sandbox):
        clock = await clock_of(tenant)
        assert (clock.status, clock.now, clock.carried_out) == (ClockStatus.FROZEN, AT + 90 * DAY, 3)
        assert [due_at == at for _, due_at, at in await due.done(tenant)] == [True] * 3


async def test_an_advance_in_good_hands_is_nobody_elses(made: Made) -> None:
    await move_clock(made.sandbox, ClockMove(now=AT + DAY))
    assert await take_advance() is None
    await let_leases_end()
    assert len([taken for taken in [await take_advance(), await take_advance()] if taken]) == 1


async def test_what_a_dead_process_began_is_carried_on_when_its_lease_ends(made: Made) -> None:
    renewals = Chores("Renewals", gate=asyncio.Event())
    await renewals.add(made.sandbox, AT + HOUR, again=2)
    await dies(advance(made.sandbox, AT + 70 * DAY, works(renewals)), renewals.waits)
    clock = await clock_of(made.sandbox)
    assert (clock.status, clock.now) == (ClockStatus.ADVANCING, AT + HOUR)
    with pytest.raises(ClockAdvancing):
        await move_clock(made.sandbox, ClockMove(is_frozen=False))
    renewals.gate = None
    await let_leases_end()
    await carry_on(works(renewals))
    done = await due.done(made.sandbox)
    assert [due_at for _, due_at, _ in done] == [at for _, _, at in done]
    assert len(done) == 3
    assert (await clock_of(made.sandbox)).now == AT + 70 * DAY


async def test_wherever_a_process_dies_nothing_is_skipped_and_nothing_done_twice(pool: None) -> None:
    trials, renewals = Chores("Trials"), Chores("Renewals")
    table = works(trials, renewals)
    death, is_dead = 0, True
    while is_dead:
        death += 1
        tenant = (await make.organization()).sandbox
        await make.freeze_clock(tenant, AT)
        await renewals.add(tenant, AT + HOUR, again=1)
        await trials.add(tenant, AT + DAY)
        try:
            async with dying(death):
                await advance(tenant, AT + 40 * DAY, table)
            is_dead = False
        except asyncio.CancelledError:
            pass
        if (clock := await clock_of(tenant)).status is ClockStatus.ADVANCING:
            await let_leases_end()
            await carry_on(table)
        elif clock.now == AT:
            # It died before anything was begun.
            await advance(tenant, AT + 40 * DAY, table)
        assert (await clock_of(tenant)).now == AT + 40 * DAY
        assert [(name, at) for name, due_at, at in await due.done(tenant) if due_at == at] == [
            ("Renewals", AT + HOUR),
            ("Trials", AT + DAY),
            ("Renewals", boundary(AT + HOUR, ChargePeriod.MONTHLY, 1, UTC)),
        ]
    assert death > 20


async def test_several_who_carry_on_at_once_do_everything_once_and_at_its_instant(made: Made) -> None:
    trials, renewals = Chores("Trials"), Chores("Renewals")
    for hours in range(1, 40):
        await (trials if hours % 3 else renewals).add(made.sandbox, AT + hours // 2 * HOUR)
    clock = await move_clock(made.sandbox, ClockMove(now=AT + DAY))
    assert clock.advance_id is not None
    table = works(trials, renewals)
    await asyncio.gather(*(advance_clock(made.sandbox, clock.advance_id, table) for _ in range(6)))
    done = await due.done(made.sandbox)
    assert len(done) == 39
    assert [due_at for _, due_at, _ in done] == [at for _, _, at in done]
    assert (await clock_of(made.sandbox)).now == AT + DAY


async def test_the_clock_never_passes_what_somebody_else_has_in_hand(made: Made) -> None:
    renewals = Chores("Renewals", gate=asyncio.Event())
    assert renewals.gate is not None
    await renewals.add(made.sandbox, AT)
    await renewals.add(made.sandbox, AT + HOUR)
    # A worker has it in hand when the clock is to be advanced.
    slow = asyncio.create_task(renewals.carry_out(made.sandbox))
    await renewals.waits.wait()
    advancing = asyncio.create_task(advance(made.sandbox, AT + DAY, works(renewals)))
    while (clock := await clock_of(made.sandbox)).fruitless < 3:
        assert clock.now == AT
    renewals.gate.set()
    assert (await advancing).now == AT + DAY
    await slow
    assert [due_at == at for _, due_at, at in await due.done(made.sandbox)] == [True, True]


async def test_what_nothing_comes_of_for_too_long_stops_the_clock(made: Made) -> None:
    idle = DueWork("Refunds", Chores("Refunds").work.next_due, lambda tenant: asyncio.sleep(0, 0))
    await Chores("Refunds").add(made.sandbox, AT + HOUR)
    clock = await advance(made.sandbox, AT + DAY, DueWorks([idle], timedelta()))
    assert clock.status is ClockStatus.ADVANCING
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE clocks SET fruitless = %s WHERE tenant_id = %s", (rules.MAX_FRUITLESS, tx.tenant_id))
    await carry_on(DueWorks([idle]))
    clock = await clock_of(made.sandbox)
    assert (clock.status, clock.now) == (ClockStatus.FROZEN, AT + HOUR)
    assert clock.failure == "Refunds could not be carried out at 2031-01-31T10:30:00.000000Z; the clock stands there."


async def test_what_fails_leaves_the_clock_there_and_what_came_before_done(made: Made) -> None:
    trials, renewals = Chores("Trials"), Chores("Renewals", fails=True)
    await renewals.add(made.sandbox, AT + 2 * HOUR)
    await trials.add(made.sandbox, AT + HOUR)
    await trials.add(made.sandbox, AT + 3 * HOUR)
    clock = await advance(made.sandbox, AT + DAY, works(trials, renewals))
    assert (clock.status, clock.now, clock.target) == (ClockStatus.FROZEN, AT + 2 * HOUR, None)
    assert clock.failure is not None
    assert [at for _, _, at in await due.done(made.sandbox)] == [AT + HOUR]


async def test_a_database_that_is_away_is_no_fault_of_the_work(made: Made) -> None:
    async def cannot(tenant: Tenant) -> int:
        raise OperationalError("away")

    renewals = Chores("Renewals")
    await renewals.add(made.sandbox, AT + HOUR)
    with pytest.raises(OperationalError):
        await advance(made.sandbox, AT + DAY, DueWorks([DueWork("Renewals", renewals.work.next_due, cannot)]))
    await let_leases_end()
    await carry_on(works(renewals))
    clock = await clock_of(made.sandbox)
    assert (clock.now, clock.failure, clock.carried_out) == (AT + DAY, None, 1)


async def test_work_for_which_somebody_is_in_the_way_is_tried_again(made: Made) -> None:
    renewals, tries = Chores("Renewals"), list[Tenant]()

    async def at_first_not(tenant: Tenant) -> int:
        tries.append(tenant)
        if len(tries) < 3:
            raise DeadlockDetected
        return await renewals.carry_out(tenant)

    await renewals.add(made.sandbox, AT + HOUR)
    clock = await advance(made.sandbox, AT + DAY, DueWorks([DueWork("Renewals", renewals.work.next_due, at_first_not)]))
    assert (clock.status, clock.now, clock.carried_out, len(tries)) == (ClockStatus.FROZEN, AT + DAY, 1, 3)


async def test_work_that_takes_longer_than_a_statement_may_stops_the_clock(made: Made) -> None:
    async def too_long(tenant: Tenant) -> int:
        raise QueryCanceled

    renewals = Chores("Renewals")
    await renewals.add(made.sandbox, AT + HOUR)
    clock = await advance(made.sandbox, AT + DAY, DueWorks([DueWork("Renewals", renewals.work.next_due, too_long)]))
    assert (clock.status, clock.now, clock.failure is None) == (ClockStatus.FROZEN, AT + HOUR, False)


async def test_a_worker_does_what_is_due_by_every_clock_that_nobody_advances(made: Made) -> None:
    now = datetime.now(UTC)
    released, advanced, renewals = await make.organization(), await make.organization(), Chores("Renewals")
    for tenant in (released.sandbox, advanced.sandbox):
        await make.freeze_clock(tenant, AT)
    await move_clock(released.sandbox, ClockMove(is_frozen=False))
    await move_clock(advanced.sandbox, ClockMove(now=AT + DAY))
    expected: list[Tenant] = []
    for tenant, at in (
        (made.sandbox, AT), (made.production, now), (released.sandbox, AT), (released.production, now)
    ):  # fmt: skip
        await renewals.add(tenant, at)
        await renewals.add(tenant, at + HOUR)
        expected.append(tenant)
    await renewals.add(advanced.sandbox, AT)
    await Rounds(renewals.work).go()
    for tenant in expected:
        [(_, due_at, at)] = await due.done(tenant)
        assert due_at <= at < due_at + timedelta(minutes=1)
    assert await due.done(advanced.sandbox) == []


async def test_work_that_fails_for_one_is_done_for_all_others_and_tried_again_later(made: Made) -> None:
    others = [await make.organization() for _ in range(2)]
    broken: set[Tenant] = {others[0].production}
    tried: list[Tenant] = []
    renewals = Chores("Renewals")

    async def carry_out(tenant: Tenant) -> int:
        tried.append(tenant)
        if tenant in broken:
            raise Broken
        return await renewals.carry_out(tenant)

    tenants = [made.production, *(other.production for other in others)]
    for tenant in tenants:
        await renewals.add(tenant, datetime.now(UTC))
    rounds = Rounds(DueWork("Renewals", renewals.work.next_due, carry_out))
    await rounds.go()
    assert tried == tenants
    assert [len(await due.done(tenant)) for tenant in tenants] == [1, 0, 1]
    await rounds.go()
    assert tried == tenants, "left alone for a while"
    broken.clear()
    while not await due.done(others[0].production):
        await rounds.go()
    assert tried == [*tenants, others[0].production]


async def test_a_round_goes_past_more_tenants_than_fit_into_a_page(made: Made) -> None:
    renewals = Chores("Renewals")
    tenants = [(await make.organization()).production for _ in range(BATCH + 1)]
    for tenant in tenants:
        await renewals.add(tenant, datetime.now(UTC))
    await Rounds(renewals.work).go()
    for tenant in tenants:
        assert len(await due.done(tenant)) == 1


async def test_several_workers_do_everything_once(made: Made) -> None:
    renewals = Chores("Renewals")
    for _ in range(25):
        await renewals.add(made.production, datetime.now(UTC))
    while len(await due.done(made.production)) < 25:
        await asyncio.gather(*(Rounds(renewals.work).go() for _ in range(4)))
    assert len(await due.done(made.production)) == 25
