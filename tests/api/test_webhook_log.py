"""The log of events: read on from anywhere, missed by nobody, told once more on request."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kelviq_server.platform.database import transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.webhooks.deliveries.actions.sweep_webhooks import sweep_webhooks
from tests import make
from tests.api.conftest import Client
from tests.make import Made
from tests.receiver import Receiver, receiving
from tests.webhooks import deliver, forget_deliveries

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)


async def happen(api: Client, *names: str, customer: str = "ada") -> None:
    """Create a customer of the first name, and rename it to the others."""
    await api.post("/customers/", {"customerId": customer, "name": names[0]})
    for name in names[1:]:
        await api.patch(f"/customers/{customer}/", {"name": name})
    await deliver()


async def read(api: Client, query: str = "") -> list[str]:
    """Return the names in the events, from the first part to the last."""
    found: list[str] = []
    path: str | None = f"/webhook/events/{query}"
    while path is not None:
        part = (await api.get(path)).json()
        found += [event["data"]["object"]["name"] for event in part["results"]]
        path = part["next"] and part["next"].partition("/api/v1")[2]
    return found


def names(receiver: Receiver) -> list[str]:
    return [event["data"]["object"]["name"] for event in receiver.events]


async def listen(api: Client, receiver: Receiver, **fields: Any) -> str:
    return (await api.post("/webhook/endpoints/", {"url": receiver.url, **fields})).json()["id"]


async def test_the_log_is_read_from_its_beginning_and_on_from_any_event(api: Client, made: Made) -> None:
    empty = (await api.get("/webhook/events/")).json()
    assert empty == {"results": [], "cursor": None, "next": None}
    await happen(api, "1", "2", "3", "4", "5")
    whole = (await api.get("/webhook/events/")).json()
    assert whole["results"] == await make.events(made.sandbox)
    assert (whole["cursor"], whole["next"]) == (whole["results"][-1]["id"], None)
    assert await read(api, "?page_size=2") == ["1", "2", "3", "4", "5"]
    second = whole["results"][1]["id"]
    assert await read(api, f"?after={second}") == ["3", "4", "5"]
    caught_up = (await api.get(f"/webhook/events/?after={whole['cursor']}")).json()
    assert caught_up == {"results": [], "cursor": whole["cursor"], "next": None}
    await api.patch("/customers/ada/", {"name": "6"})
    await deliver()
    assert await read(api, f"?after={whole['cursor']}") == ["6"]


async def test_the_log_can_be_narrowed_to_a_type_and_to_a_customer(api: Client) -> None:
    await happen(api, "a", "a2")
    await happen(api, "b", "b2", customer="bob")
    bob = (await api.get("/customers/bob/")).json()["id"]
    assert await read(api, "?type=customer.updated&page_size=1") == ["a2", "b2"]
    assert await read(api, "?customer_id=bob&page_size=1") == ["b", "b2"]
    assert await read(api, f"?customer_id={bob}&type=customer.created") == ["b"]
    assert await read(api, "?type=invoice.paid") == []
    for unknown in ("nobody", str(uuid4())):
        assert await read(api, f"?customer_id={unknown}") == []
    await api.delete("/customers/bob/")
    assert await read(api, "?customer_id=bob") == ["b", "b2"], "an archived customer's history stays"


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("?after=x", {"after": ["Must be a valid UUID."]}),
        (f"?after={UUID(int=1)}", {"after": ["There is no such event; events are kept for 30 days."]}),
        ("?type=customer.eaten", {"type": ['"customer.eaten" is not a valid choice.']}),
    ],
)
async def test_a_fault_names_its_parameter(api: Client, query: str, faults: dict[str, Any]) -> None:
    answer = await api.get("/webhook/events/" + query)
    assert (answer.status_code, answer.json()) == (400, faults)


async def test_an_event_is_retrieved_word_for_word(api: Client, made: Made) -> None:
    await api.post("/customers/", {"customerId": "ada", "metadata": {"n": 1.5, "é": "☃"}})
    await deliver()
    [event] = await make.events(made.sandbox)
    answer = await api.get(f"/webhook/events/{event['id']}/")
    assert answer.json() == event
    assert '"metadata":{"n":1.5,"é":"☃"}'.encode() in answer.content


async def test_an_event_is_resent_to_those_who_want_it_or_to_one(api: Client) -> None:
    await forget_deliveries()
    async with receiving() as first, receiving() as second, receiving() as third:
        await listen(api, first)
        other = await listen(api, second, eventTypes=["order.created"])
        off = await listen(api, third, enabled=False)
        await happen(api, "1")
        event = first.events[0]["id"]
        path = f"/webhook/events/{event}/resend/"
        answer = await api.post(path)
        assert (answer.status_code, answer.json()) == (202, {"queued": 1})
        assert (await api.post(path, {})).json() == {"queued": 1}, "once in line is enough"
        await deliver()
        assert (names(first), names(second)) == (["1", "1"], [])
        assert (await api.post(path, {"endpoint": other})).json() == {"queued": 1}
        await deliver()
        assert (names(first), names(second), names(third)) == (["1", "1"], ["1"], [])
        for endpoint, refusal in (
            (off, {"detail": "The endpoint is disabled; enable it first."}),
            (str(uuid4()), {"endpoint": ["There is no such endpoint."]}),
            ("x", {"endpoint": ["Must be a valid UUID."]}),
        ):
            answer = await api.post(path, {"endpoint": endpoint})
            assert (answer.status_code, answer.json()) == (400, refusal)
        assert (await api.post(f"/webhook/events/{uuid4()}/resend/")).status_code == 404


async def test_nobody_to_resend_to_is_said(api: Client) -> None:
    await happen(api, "1")
    event = (await api.get("/webhook/events/")).json()["cursor"]
    answer = await api.post(f"/webhook/events/{event}/resend/")
    refusal = {"detail": "No enabled endpoint wants events of this type."}
    assert (answer.status_code, answer.json()) == (400, refusal)


async def test_resending_what_waits_for_its_next_attempt_makes_that_at_once(api: Client) -> None:
    await forget_deliveries()
    async with receiving() as receiver:
        endpoint = await listen(api, receiver)
        receiver.answer(500)
        await happen(api, "1", "2")
        receiver.answer(200)
        assert await deliver() == 0
        event = receiver.events[0]["id"]
        assert (await api.post(f"/webhook/events/{event}/resend/", {"endpoint": endpoint})).json() == {"queued": 1}
        assert await deliver() == 2
        assert names(receiver) == ["1", "1", "2"]


async def test_a_range_of_time_is_replayed_to_one_endpoint_in_order(api: Client, made: Made) -> None:
    await forget_deliveries()
    async with receiving() as first, receiving() as second:
        await listen(api, first)
        for hour in range(4):
            await make.freeze_clock(made.sandbox, AT + timedelta(hours=hour))
            await happen(api, f"a{hour}", f"b{hour}", customer=f"c{hour}")
        endpoint = await listen(api, second, eventTypes=["customer.updated", "order.created"])
        path = f"/webhook/endpoints/{endpoint}/replay/"
        body = {"start": "2026-04-01T13:00:00Z", "end": "2026-04-01T17:00:00+02:00"}
        answer = await api.post(path, body)
        assert (answer.status_code, answer.json()) == (202, {"queued": 2})
        await deliver()
        assert sorted(names(second)) == ["b1", "b2"]
        assert (await api.post(path, {"start": "2026-04-01T13:00:00Z", "eventTypes": ["order.created"]})).json() == {
            "queued": 0
        }
        whole = await listen(api, second)
        await api.post(f"/webhook/endpoints/{whole}/test/")
        assert (await api.post(f"/webhook/endpoints/{whole}/replay/", {"start": "2026-01-01T00:00:00Z"})).json() == {
            "queued": 8
        }
        await deliver()
        replayed = second.events[3:]
        for customer in range(4):
            mine = [event for event in replayed if event["data"]["object"]["customer_id"] == f"c{customer}"]
            assert [event["data"]["object"]["name"] for event in mine] == [f"a{customer}", f"b{customer}"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "start"), ({"start": "yesterday"}, "start"), ({"start": "2026-04-01T00:00:00"}, "start"),
     ({"start": 1}, "start"), ({"start": "2026-04-01T00:00:00Z", "end": "0001-01-01T00:00:00+14:00"}, "end"),
     ({"start": "2026-04-01T00:00:00Z", "eventTypes": ["x"]}, "eventTypes")],
)  # fmt: skip
async def test_a_replay_says_what_is_wrong_with_it(api: Client, body: dict[str, Any], field: str) -> None:
    async with receiving() as receiver:
        endpoint = await listen(api, receiver)
        answer = await api.post(f"/webhook/endpoints/{endpoint}/replay/", body)
        assert (answer.status_code, list(answer.json())) == (400, [field])


async def test_a_replay_of_too_much_is_refused_whole(api: Client, made: Made) -> None:
    async with receiving() as receiver:
        endpoint = await listen(api, receiver)
        async with transaction(made.sandbox) as tx:
            await tx.execute(
                "INSERT INTO webhook_events (tenant_id, id, type, created_at, logged_at, body)"
                " SELECT %s, gen_random_uuid(), 'order.created', %s, %s, '{}' FROM generate_series(1, 50001)",
                (tx.tenant_id, tx.now, tx.machine_now),
            )
        answer = await api.post(f"/webhook/endpoints/{endpoint}/replay/", {"start": "2026-01-01T00:00:00Z"})
        refusal = {"detail": "There are more than 50000 events in this range; replay a part of it."}
        assert (answer.status_code, answer.json()) == (400, refusal)
        assert (await api.get(f"/webhook/endpoints/{endpoint}/")).json()["waitingSince"] is None


async def test_old_events_and_attempts_are_swept_up_and_what_still_tells_of_them_keeps_them(
    api: Client, made: Made
) -> None:
    await forget_deliveries()
    async with receiving() as receiver:
        await listen(api, receiver)
        await happen(api, "told long ago", customer="a")
        await happen(api, "resent lately", customer="b")
        now = datetime.now(UTC)
        long_ago = now - timedelta(days=35)
        async with transaction(made.sandbox) as tx:
            await tx.execute("UPDATE webhook_events SET logged_at = %s WHERE tenant_id = %s", (long_ago, tx.tenant_id))
            await tx.execute(
                "UPDATE webhook_attempts SET attempted_at = %s,"
                " id = overlay(id::text placing left(%s, 15) from 1 for 15)::uuid WHERE tenant_id = %s",
                (long_ago, str(new_id(long_ago)), tx.tenant_id),
            )
            await tx.execute(
                "UPDATE webhook_tallies SET day = %s WHERE tenant_id = %s", (long_ago.date(), tx.tenant_id)
            )
        assert (await api.get("/webhook/logs/")).json()["count"] == 0
        await api.post(f"/webhook/events/{receiver.events[1]['id']}/resend/")
        await deliver()
        await sweep_webhooks(now)
        assert await read(api) == ["resent lately"]
        logs = (await api.get("/webhook/logs/")).json()
        assert [log["payload"]["data"]["object"]["name"] for log in logs["results"]] == ["resent lately"]
        async with transaction(made.sandbox) as tx:
            for table in ("webhook_attempts", "webhook_tallies"):
                left = await tx.value(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", (tx.tenant_id,))  # pyright: ignore
                assert left == 1, table
