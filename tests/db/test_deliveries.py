"""Events reach their endpoints: signed, in order, at least once, for as long as was promised."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextvars import Context
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from kelviq_sdk.webhook import validate_event

from kelviq_server.customers.actions.update_customer import update_customer
from kelviq_server.platform import outbox
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.actions.take_deliveries import take_deliveries
from kelviq_server.webhooks.deliveries.jobs import Courier
from kelviq_server.webhooks.deliveries.records import Slots
from kelviq_server.webhooks.endpoints import store as endpoints
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.actions.delete_endpoint import delete_endpoint
from kelviq_server.webhooks.endpoints.actions.rotate_secret import rotate_secret
from kelviq_server.webhooks.endpoints.actions.update_endpoint import update_endpoint
from kelviq_server.webhooks.endpoints.records import DisabledReason, Endpoint, NewEndpoint
from kelviq_server.webhooks.log import store as log
from tests import make
from tests.make import Made
from tests.receiver import Receiver, receiving
from tests.statements import counting
from tests.webhooks import deliver, forget_deliveries, take, wait

T = TypeVar("T")
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def receiver(made: Made) -> AsyncIterator[Receiver]:
    """A merchant's server, and nothing on its way to any other."""
    await forget_deliveries()
    async with receiving() as receiver:
        yield receiver


async def listen(tenant: Tenant, receiver: Receiver, *event_types: str) -> UUID:
    """Let an endpoint listen there, and return its id."""
    endpoint, _ = await create_endpoint(tenant, NewEndpoint(receiver.url, event_types or ["*"], "", True))
    return endpoint.id


async def rename(tenant: Tenant, customer: str, *names: str) -> None:
    for name in names:
        await update_customer(tenant, customer, {"name": name})


async def endpoint_of(tenant: Tenant, id: UUID) -> Endpoint:
    async with reading(tenant) as tx:
        return await endpoints.get_endpoint(tx, id)


def elsewhere(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Let somebody else do this, whatever transaction we have open."""
    return asyncio.create_task(work, context=Context())


def names(receiver: Receiver, customer: str | None = None) -> list[str]:
    """Return the names in the events that came, of one customer or of all."""
    objects = [event["data"]["object"] for event in receiver.events]
    return [each["name"] for each in objects if customer in (None, each["customer_id"])]


async def count(sql: Any) -> int:
    async with reading(INSTANCE) as tx:
        return await tx.value(sql)


async def test_an_event_arrives_once_word_for_word_and_signed(made: Made, receiver: Receiver) -> None:
    endpoint, secret = await create_endpoint(made.sandbox, NewEndpoint(receiver.url, ["*"], "", True))
    await make.customer(made.sandbox, external_id="zoë", name="Zoë ☃", metadata='{"n":1.10}')
    assert await deliver() == 1
    assert await deliver() == 0
    [received] = receiver.received
    assert received.path == "/hook"
    event = validate_event(received.body, received.headers, secret.plain)
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == event["id"]
    [announced] = await make.events(made.sandbox)
    assert event == announced
    assert '"name":"Zoë ☃"'.encode() in received.body
    assert b'"metadata":{"n":1.10}' in received.body
    assert b": " not in received.body
    # Both the delivery and its lane are gone.
    assert await count("SELECT count(*) FROM webhook_deliveries") == 0
    assert await count("SELECT count(*) FROM webhook_lanes") == 0
    _, newer = await rotate_secret(made.sandbox, endpoint.id)
    await rename(made.sandbox, "zoë", "Zoe")
    await deliver()
    validate_event(receiver.received[1].body, receiver.received[1].headers, newer.plain)


async def test_endpoints_hear_what_they_asked_for_of_their_own_tenant(made: Made, receiver: Receiver) -> None:
    async with receiving() as updates, receiving() as others, receiving() as elsewhere, receiving() as off:
        await listen(made.sandbox, receiver)
        await listen(made.sandbox, updates, "customer.updated", "invoice.paid")
        await listen(made.sandbox, others, "order.created")
        await listen(made.production, elsewhere)
        await listen((await make.organization()).sandbox, elsewhere)
        await create_endpoint(made.sandbox, NewEndpoint(off.url, ["*"], "", False))
        customer = await make.customer(made.sandbox, name="a")
        await rename(made.sandbox, customer.external_id, "b")
        await deliver()
        heard = [[event["type"] for event in each.events] for each in (receiver, updates, others, elsewhere, off)]
    assert heard == [["customer.created", "customer.updated"], ["customer.updated"], [], [], []]


async def test_later_events_of_a_customer_wait_until_the_third_failure_and_nobody_elses(
    made: Made, receiver: Receiver
) -> None:
    endpoint = await listen(made.sandbox, receiver)
    one, other = await make.customer(made.sandbox, name="1"), await make.customer(made.sandbox, name="x")
    await rename(made.sandbox, one.external_id, "2", "3")
    receiver.answering = lambda received: (500, b"") if received.event["data"]["object"]["name"] == "1" else (200, b"")
    await deliver()
    assert names(receiver, one.external_id) == ["1"]
    assert names(receiver, other.external_id) == ["x"]
    assert await deliver() == 0, "not before a minute has passed"
    await wait(MINUTE)
    await deliver()
    assert names(receiver, one.external_id) == ["1", "1"]
    assert (await endpoint_of(made.sandbox, endpoint)).waiting_since is not None
    await wait(MINUTE)
    await deliver()
    # The third failure lets the others pass.
    assert names(receiver, one.external_id) == ["1", "1", "1", "2", "3"]
    await wait(MINUTE)
    receiver.answer(200)
    await deliver()
    assert names(receiver, one.external_id) == ["1", "1", "1", "2", "3", "1"]
    endpoint_now = await endpoint_of(made.sandbox, endpoint)
    assert (endpoint_now.failing_since, endpoint_now.waiting_since) == (None, None)


async def test_a_delivery_is_given_up_after_three_days_and_then_the_endpoint_is_disabled(
    made: Made, receiver: Receiver
) -> None:
    endpoint = await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox)
    receiver.answer(503, b"down")
    tried = [await deliver()]
    for pause in rules.PAUSES:
        await wait(pause - timedelta(seconds=5))
        assert await deliver() == 0
        await wait(timedelta(seconds=5))
        tried.append(await deliver())
    await wait(timedelta(hours=24))
    tried.append(await deliver())
    assert tried == [1] * 11
    assert await count("SELECT count(*) FROM webhook_deliveries") == 0, "given up"
    assert await count("SELECT count(*) FROM webhook_lanes") == 0
    assert (await endpoint_of(made.sandbox, endpoint)).is_enabled, "it failed for 61 hours"
    await wait(timedelta(hours=11))
    await rename(made.sandbox, customer.external_id, "later")
    await deliver()
    now = await endpoint_of(made.sandbox, endpoint)
    assert (now.is_enabled, now.disabled_reason) == (False, DisabledReason.FAILING)
    assert now.disabled_at is not None


async def test_one_success_and_the_patience_begins_anew(made: Made, receiver: Receiver) -> None:
    endpoint = await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox)
    receiver.answer(500)
    await deliver()
    await wait(timedelta(hours=80))
    receiver.answer(204)
    await deliver()
    assert (await endpoint_of(made.sandbox, endpoint)).is_enabled
    receiver.answer(500)
    await rename(made.sandbox, customer.external_id, "a")
    await wait(timedelta(hours=71))
    await deliver()
    now = await endpoint_of(made.sandbox, endpoint)
    assert now.is_enabled
    assert now.failing_since is not None


async def test_an_endpoint_that_is_gone_is_disabled_at_once_and_what_waits_goes_on_when_it_is_back(
    made: Made, receiver: Receiver
) -> None:
    endpoint = await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox, name="1")
    await rename(made.sandbox, customer.external_id, "2")
    receiver.answer(410)
    await deliver()
    now = await endpoint_of(made.sandbox, endpoint)
    assert (now.is_enabled, now.disabled_reason) == (False, DisabledReason.GONE)
    await rename(made.sandbox, customer.external_id, "while it was disabled")
    await wait(MINUTE)
    assert await deliver() == 0
    receiver.answer(200)
    await update_endpoint(made.sandbox, endpoint, {"is_enabled": True})
    await rename(made.sandbox, customer.external_id, "4")
    await deliver()
    assert names(receiver) == ["1", "1", "2", "4"]
    now = await endpoint_of(made.sandbox, endpoint)
    assert (now.disabled_reason, now.disabled_at, now.failing_since) == (None, None, None)


async def test_a_deleted_endpoint_is_told_nothing_more(made: Made, receiver: Receiver) -> None:
    endpoint = await listen(made.sandbox, receiver)
    await make.customer(made.sandbox)
    await fan_out([])
    taken = await take()
    await delete_endpoint(made.sandbox, endpoint)
    # Taken before, and settled after it was deleted.
    await settle_attempts([await attempt_delivery(taken.deliveries[0], taken.at)])
    await make.customer(made.sandbox)
    await deliver()
    assert len(receiver.received) == 1
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT sealed_secret FROM webhook_endpoints WHERE id = %s", (endpoint,)) is None
        assert await tx.value("SELECT count(*) FROM webhook_attempts WHERE endpoint_id = %s", (endpoint,)) == 1


async def test_what_cannot_be_reached_is_a_failure_that_says_why(made: Made, receiver: Receiver) -> None:
    for url in ("http://127.0.0.1:9/", "https://10.1.2.3/", "http://192.0.2.1/"):
        endpoint, _ = await create_endpoint(made.sandbox, NewEndpoint("https://example.com/", ["*"], "", True))
        async with transaction(made.sandbox) as tx:
            # Past the check of addresses: names that lead there pass it, too.
            await tx.execute("UPDATE webhook_endpoints SET url = %s WHERE id = %s", (url, endpoint.id))
    await make.customer(made.sandbox)
    await deliver()
    async with reading(made.sandbox) as tx:
        failures = await tx.value(
            "SELECT array_agg(failure ORDER BY url) FROM webhook_attempts JOIN webhook_endpoints USING (tenant_id)"
            " WHERE tenant_id = %s AND endpoint_id = webhook_endpoints.id AND status_code IS NULL",
            (made.sandbox.id,),
        )
    assert "refused" in failures[0].lower() or "connect" in failures[0].lower()
    assert "192.0.2.1 is not on the public internet" in failures[1]
    assert "10.1.2.3 is not on the public internet" in failures[2]


async def test_no_two_workers_take_the_same_lane(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    for number in range(20):
        customer = await make.customer(made.sandbox, name=f"{number}")
        await rename(made.sandbox, customer.external_id, f"{number}+")
    await fan_out([])
    taken = await asyncio.gather(*(take(at_once=5) for _ in range(8)))
    lanes = [delivery.lane for each in taken for delivery in each.deliveries]
    assert len(lanes) == len(set(lanes)) == 20
    assert (await take()).deliveries == []


async def test_what_a_dead_worker_took_is_sent_again_when_its_lease_ends_and_only_the_later_one_counts(
    made: Made, receiver: Receiver
) -> None:
    await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox, name="1")
    await rename(made.sandbox, customer.external_id, "2")
    await fan_out([])
    first = await take()
    await wait(rules.LEASE - timedelta(seconds=2))
    assert (await take()).deliveries == []
    await wait(timedelta(seconds=2))
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
        await store.insert_wanted(tx, [event.tenant_id or 0 for event in events], positions)
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
        assert await elsewhere(fan_out([])) == 0
    assert await fan_out([]) == 1


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
    assert one == many <= 9


async def test_a_failing_endpoint_gets_fewer_at_once_and_after_all_others(made: Made, receiver: Receiver) -> None:
    failing = await listen(made.sandbox, receiver)
    healthy = await listen(made.sandbox, receiver)
    for _ in range(6):
        await make.customer(made.sandbox)
    await fan_out([])
    async with transaction(INSTANCE) as tx:
        await tx.execute("UPDATE webhook_endpoints SET failing_since = %s WHERE id = %s", (tx.now, failing))
    slots = Slots(healthy=4, failing=2, busy={healthy: 1}, limit=4)
    first = [each.endpoint_id for each in (await take_deliveries(slots)).deliveries]
    assert sorted(first) == sorted([healthy] * 3 + [failing])
    rest = [each.endpoint_id for each in (await take_deliveries(replace(slots, busy={}, limit=100))).deliveries]
    assert sorted(rest) == sorted([healthy] * 3 + [failing] * 2)
