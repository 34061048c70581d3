"""Workers share what is to be delivered: nothing is lost between them, and nobody is kept waiting."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from psycopg import OperationalError

from kelviq_server.platform import outbox
from kelviq_server.platform.database import INSTANCE, reading, transaction
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.webhooks.deliveries.actions.resend_event import resend_event
from kelviq_server.webhooks.deliveries.actions.send_test_event import send_test_event
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.actions.take_deliveries import take_deliveries
from kelviq_server.webhooks.deliveries.jobs import Courier
from kelviq_server.webhooks.deliveries.records import Slots
from kelviq_server.webhooks.log import store as log
from tests import make
from tests.make import Made
from tests.receiver import Receiver
from tests.statements import counting
from tests.webhooks import (
    MINUTE,
    count,
    deliver,
    elsewhere,
    listen,
    names,
    rename,
    take,
    wait,
)


async def test_every_tenant_and_every_endpoint_gets_its_turn(made: Made, receiver: Receiver) -> None:
    other = await make.organization()
    crowded = [await listen(made.sandbox, receiver) for _ in range(5)]
    quiet = await listen(other.sandbox, receiver)
    for _ in range(4):
        await make.customer(made.sandbox)
    await make.customer(other.sandbox)
    await fan_out([])
    slots = Slots(healthy=4, failing=1, tenant=5, busy={crowded[0]: 3, crowded[1]: 1}, limit=6)
    taken = [each.endpoint_id for each in (await take_deliveries(slots)).deliveries]
    # Four are on their way for the one tenant, who so has one more turn: that goes to one that has none, and each
    # other that has none gets one all the same.
    assert sorted(taken) == sorted([quiet, *crowded[2:5]])


async def test_attempts_written_down_twice_are_listed_and_counted_once(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    await make.customer(made.sandbox)
    await fan_out([])
    taken = await take()
    attempt = await attempt_delivery(taken.deliveries[0], taken.at)
    await settle_attempts([attempt])
    await settle_attempts([attempt])
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT sum(count) FROM webhook_tallies WHERE tenant_id = %s", (tx.tenant_id,)) == 1
        assert await tx.value("SELECT count(*) FROM webhook_attempts WHERE tenant_id = %s", (tx.tenant_id,)) == 1


async def test_settling_resending_and_fanning_out_never_wait_for_each_other(made: Made, receiver: Receiver) -> None:
    urls = [await listen(made.sandbox, receiver) for _ in range(6)]
    customers = [await make.customer(made.sandbox) for _ in range(6)]
    await deliver()
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE webhook_endpoints SET failing_since = %s WHERE id = ANY(%s)", (tx.now, urls))
        events = await tx.value("SELECT array_agg(id) FROM webhook_events WHERE tenant_id = %s", (tx.tenant_id,))

    async def settle() -> None:
        taken = await take()
        attempts = [await attempt_delivery(each, taken.at) for each in taken.deliveries]
        if attempts:
            await settle_attempts(attempts)

    for number in range(15):
        receiver.answer(500 if number % 2 else 200)
        await asyncio.gather(
            *(rename(made.sandbox, customer.external_id, f"{number}") for customer in customers),
            *(resend_event(made.sandbox, event, None) for event in events[:3]),
            *(settle() for _ in range(3)), fan_out([]), fan_out([]), send_test_event(made.sandbox, urls[number % 6]),
        )  # fmt: skip
        await wait(MINUTE)


async def test_no_two_workers_take_the_same_lane(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    for number in range(20):
        customer = await make.customer(made.sandbox, name=f"{number}")
        await rename(made.sandbox, customer.external_id, f"{number}+")
    await fan_out([])
    lanes: list[UUID] = []
    while len(lanes) < 20:
        taken = await asyncio.gather(*(take(at_once=5) for _ in range(8)))
        lanes += [delivery.lane for each in taken for delivery in each.deliveries]
    assert len(set(lanes)) == len(lanes) == 20
    assert (await take()).deliveries == []


async def test_what_a_dead_worker_took_is_sent_again_when_its_lease_ends_and_only_the_later_one_counts(
    made: Made, receiver: Receiver
) -> None:
    await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox, name="1")
    await rename(made.sandbox, customer.external_id, "2")
    await fan_out([])
    first = await take()
    await wait(rules.LEASE_TIME / 2)
    assert (await take()).deliveries == []
    await wait(rules.LEASE_TIME / 2)
    second = await take()
    assert [each.event_id for each in second.deliveries] == [each.event_id for each in first.deliveries]
    # The first was not dead, only slow: what came of it is listed, and changes nothing.
    receiver.answer(500)
    await settle_attempts([await attempt_delivery(first.deliveries[0], first.at)])
    assert await count("SELECT failures FROM webhook_deliveries ORDER BY seq LIMIT 1") == 0
    receiver.answer(200)
    assert (await take()).deliveries == []
    await settle_attempts([await attempt_delivery(second.deliveries[0], second.at)])
    await deliver()
    assert names(receiver) == ["1", "1", "2"]
    assert await count("SELECT count(*) FROM webhook_lanes") == 0


async def test_events_that_arrive_while_others_are_settled_are_never_left_behind(
    made: Made, receiver: Receiver
) -> None:
    await listen(made.sandbox, receiver)
    customers = [await make.customer(made.sandbox, name="0") for _ in range(4)]
    changed = asyncio.Event()

    async def change(external_id: str) -> None:
        await rename(made.sandbox, external_id, *(f"{number}" for number in range(1, 31)))

    async def work() -> None:
        while not changed.is_set() or await count("SELECT count(*) FROM webhook_deliveries"):
            await deliver()

    workers = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.gather(*(change(customer.external_id) for customer in customers))
    while await fan_out([]):
        pass
    changed.set()
    await asyncio.wait_for(asyncio.gather(*workers), 60)
    for customer in customers:
        assert names(receiver, customer.external_id) == [f"{number}" for number in range(31)]
    assert await count("SELECT count(*) FROM webhook_lanes") == 0


async def test_a_lane_that_began_anew_is_not_the_one_that_a_late_worker_took(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox, name="1")
    await fan_out([])
    late = await take()
    await wait(rules.LEASE_TIME)
    assert await deliver() == 1
    await rename(made.sandbox, customer.external_id, "2", "3")
    await fan_out([])
    await take()
    await settle_attempts([await attempt_delivery(late.deliveries[0], late.at)])
    assert (await take()).deliveries == [], "the new lane is in another's hands"


async def test_what_came_of_one_attempt_stands_in_the_way_of_no_other(made: Made, receiver: Receiver) -> None:
    endpoint = await listen(made.sandbox, receiver)
    for name in ("1", "2", "3"):
        await make.customer(made.sandbox, name=name)
    await fan_out([])
    taken = await take()
    attempts = [await attempt_delivery(each, taken.at) for each in taken.deliveries]
    courier = Courier()
    courier._busy[endpoint] = 3
    courier._attempts = [replace(attempts[0], answer="cannot be kept: \x00"), *attempts[1:]]
    await courier.settle()
    assert await count("SELECT count(*) FROM webhook_deliveries") == 1
    assert courier._busy.total() == 0


async def test_what_came_back_while_the_database_was_away_is_settled_later(made: Made, receiver: Receiver) -> None:
    endpoint = await listen(made.sandbox, receiver)
    await make.customer(made.sandbox)
    await fan_out([])
    taken = await take()
    courier = Courier()
    courier._busy[endpoint] = 1
    courier._attempts = [await attempt_delivery(each, taken.at) for each in taken.deliveries]
    async with transaction(INSTANCE) as tx:
        await tx.execute("SELECT FROM webhook_lanes FOR UPDATE")
        settling = elsewhere(courier.settle())
        while not await count("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not settling.done()
        await tx.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
        with pytest.raises(OperationalError):
            await settling
    assert courier._busy.total() == 1, "nothing more is taken in its place"
    await courier.settle()
    assert await count("SELECT count(*) FROM webhook_lanes") == 0
    assert courier._busy.total() == 0
    assert len(receiver.received) == 1


async def test_an_event_whose_cause_commits_late_comes_later_in_the_log(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with transaction(made.sandbox) as tx:
            await tx.execute(
                "INSERT INTO outbox (id, tenant_id, type, payload, created_at)"
                " VALUES (gen_random_uuid(), %s, 'customer.created', '{\"slow\":true}', %s)",
                (tx.tenant_id, tx.now),
            )
            begun.set()
            await finish.wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    await make.customer(made.sandbox, name="quick")
    await deliver()
    finish.set()
    await task
    await deliver()
    async with reading(made.sandbox) as tx:
        bodies = await tx.value(
            "SELECT array_agg(body ORDER BY position) FROM webhook_events WHERE tenant_id = %s", (tx.tenant_id,)
        )
    assert [("quick" in body, "slow" in body) for body in bodies] == [(True, False), (False, True)]


async def test_an_event_put_into_a_lane_that_is_just_ending_is_not_lost(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox, name="1")
    await fan_out([])
    taken = await take()
    last = await attempt_delivery(taken.deliveries[0], taken.at)
    await rename(made.sandbox, customer.external_id, "2")
    async with transaction(INSTANCE) as tx:
        events = await outbox.relay(tx.connection, [], limit=10)
        positions = await log.insert_events(tx, events)
        await store.insert_wanted(tx, events, positions)
        # Not committed yet; the lane's last delivery is settled meanwhile, by somebody who does not see the new one.
        settling = elsewhere(settle_attempts([last]))
        while not settling.done() and not await count("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            pass
    await settling
    await deliver()
    assert names(receiver) == ["1", "2"]


async def test_one_writes_to_the_log_at_a_time(made: Made, receiver: Receiver) -> None:
    await make.customer(made.sandbox)
    async with transaction(INSTANCE) as tx:
        await log.lock_log(tx)
        fanning = elsewhere(fan_out([]))
        while not await count("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not fanning.done()
        # Who waits for the log has the turn: another does not even wait.
        assert await elsewhere(fan_out([])) == 0
    assert await fanning == 1


async def test_a_fan_out_is_whole_or_not_at_all_and_one_at_a_time(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    for _ in range(30):
        await make.customer(made.sandbox)
    relayed = await asyncio.gather(*(fan_out([]) for _ in range(6)))
    assert sorted(relayed)[-1] == sum(relayed) == 30
    assert await deliver() == 30


async def test_a_batch_takes_the_same_few_statements_however_many_it_brings(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)

    async def statements(customers: int) -> Sequence[str]:
        for _ in range(customers):
            await make.customer(made.sandbox)
        async with counting() as ran:
            await fan_out([])
            taken = await take()
            await settle_attempts([await attempt_delivery(each, taken.at) for each in taken.deliveries])
        assert len(taken.deliveries) == customers
        return list(ran)

    one, many = len(await statements(1)), len(await statements(60))
    assert one == many <= 10


async def test_a_failing_endpoint_gets_fewer_at_once_and_after_all_others(made: Made, receiver: Receiver) -> None:
    failing = await listen(made.sandbox, receiver)
    healthy = await listen(made.sandbox, receiver)
    for _ in range(6):
        await make.customer(made.sandbox)
    await fan_out([])
    async with transaction(INSTANCE) as tx:
        await tx.execute("UPDATE webhook_endpoints SET failing_since = %s WHERE id = %s", (tx.now, failing))
    slots = Slots(healthy=4, failing=2, tenant=100, busy={healthy: 1}, limit=4)
    first = [each.endpoint_id for each in (await take_deliveries(slots)).deliveries]
    assert sorted(first) == sorted([healthy] * 3 + [failing])
    rest = [each.endpoint_id for each in (await take_deliveries(replace(slots, busy={}, limit=100))).deliveries]
    assert sorted(rest) == sorted([healthy] * 3 + [failing] * 2)
