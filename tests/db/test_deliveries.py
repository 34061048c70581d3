"""Events reach their endpoints: signed, in order, for as long as was promised."""

from datetime import UTC, datetime, timedelta

import pytest
from kelviq_sdk.webhook import validate_event

from kelviq_server.platform.database import reading, transaction
from kelviq_server.webhooks.deliveries import rules
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.actions.sweep_webhooks import sweep_webhooks
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.actions.delete_endpoint import delete_endpoint
from kelviq_server.webhooks.endpoints.actions.rotate_secret import rotate_secret
from kelviq_server.webhooks.endpoints.actions.update_endpoint import update_endpoint
from kelviq_server.webhooks.endpoints.records import DisabledReason, NewEndpoint
from tests import make
from tests.make import Made
from tests.receiver import Receiver, receiving
from tests.webhooks import (
    MINUTE,
    count,
    deliver,
    endpoint_of,
    listen,
    names,
    rename,
    take,
    wait,
)


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


@pytest.mark.parametrize("years", [-3, 9])
async def test_events_of_a_sandbox_of_another_time_are_told_and_kept_by_machine_time(
    made: Made, receiver: Receiver, years: int
) -> None:
    then = datetime.now(UTC).replace(day=1) + timedelta(days=366 * years)
    await make.freeze_clock(made.sandbox, then)
    _, secret = await create_endpoint(made.sandbox, NewEndpoint(receiver.url, ["*"], "", True))
    await make.customer(made.sandbox)
    receiver.answer(500)
    assert await deliver() == 1
    # It is tried again, though the clock stands still.
    await wait(MINUTE)
    receiver.answer(200)
    assert await deliver() == 1
    # The signature's instant is the machine's, which the client insists on; the event's is the sandbox's.
    event = validate_event(receiver.received[1].body, receiver.received[1].headers, secret.plain)
    assert datetime.fromisoformat(event["created_at"]) == then
    await sweep_webhooks(datetime.now(UTC))
    async with reading(made.sandbox) as tx:
        for table in ("webhook_events", "webhook_attempts"):
            kept = await tx.value(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", (tx.tenant_id,))
            assert kept == (1 if table == "webhook_events" else 2)


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
    await make.customer(made.sandbox)
    receiver.answer(503, b"down")
    tried = [await deliver()]
    for pause in (*rules.PAUSES, timedelta(hours=24)):
        await wait(pause - timedelta(seconds=30))
        assert await deliver() == 0
        await wait(timedelta(seconds=30))
        tried.append(await deliver())
    assert (await endpoint_of(made.sandbox, endpoint)).is_enabled, "it failed for 61 hours"
    await wait(timedelta(hours=11))
    tried.append(await deliver())
    assert tried == [1] * 12
    assert await count("SELECT count(*) FROM webhook_deliveries") == 0, "given up"
    assert await count("SELECT count(*) FROM webhook_lanes") == 0
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
    refused = "Only the public internet is called, by https on port 443 or 8443."
    assert failures == ["The connection was refused.", refused, refused]


async def test_a_verdict_counts_for_the_address_it_came_from(made: Made, receiver: Receiver) -> None:
    endpoint = await listen(made.sandbox, receiver)
    await make.customer(made.sandbox)
    await fan_out([])
    taken = await take()
    receiver.answer(410)
    attempt = await attempt_delivery(taken.deliveries[0], taken.at)
    await update_endpoint(made.sandbox, endpoint, {"url": receiver.url + "/new"})
    await settle_attempts([attempt])
    now = await endpoint_of(made.sandbox, endpoint)
    assert (now.is_enabled, now.failing_since) == (True, None)
    receiver.answer(200)
    await wait(MINUTE)
    await deliver()
    assert [received.path for received in receiver.received] == ["/hook", "/hook/new"]


async def test_what_waited_for_too_long_is_swept_up_and_leaves_no_empty_lanes(made: Made, receiver: Receiver) -> None:
    await listen(made.sandbox, receiver)
    customer = await make.customer(made.sandbox, name="waits for too long")
    await fan_out([])
    await wait(timedelta(hours=73))
    await rename(made.sandbox, customer.external_id, "waits for a moment")
    await fan_out([])
    gone = await listen(made.sandbox, receiver)
    await make.customer(made.sandbox, name="for nobody")
    await fan_out([])
    await delete_endpoint(made.sandbox, gone)
    await sweep_webhooks(datetime.now(UTC))
    async with reading(made.sandbox) as tx:
        assert await tx.value("SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s", (gone,)) == 0
        assert await tx.value("SELECT count(*) FROM webhook_lanes WHERE endpoint_id = %s", (gone,)) == 0
    await deliver()
    assert names(receiver, customer.external_id) == ["waits for a moment"]
    assert await count("SELECT count(*) FROM webhook_lanes") == 0
