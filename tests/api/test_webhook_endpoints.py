"""Endpoints: made, changed, tested and given up."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from kelviq_sdk.webhook import validate_event

from kelviq_server.platform.database import reading, transaction
from kelviq_server.platform.outgoing import Outgoing, current_outgoing, use_outgoing
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.records import NewEndpoint
from tests.api.conftest import Client
from tests.make import Made
from tests.receiver import receiving
from tests.webhooks import deliver, forget_deliveries, wait

URL = "https://example.com/hooks"
TYPES = ["customer.created", "invoice.paid"]


async def create(api: Client, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/webhook/endpoints/", {"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_secret_is_shown_once_and_kept_sealed(api: Client, made: Made) -> None:
    endpoint = await create(api, eventTypes=TYPES, description="CRM")
    secret = endpoint.pop("secret")
    assert secret.startswith("kq_whsec_")
    assert len(secret) >= len("kq_whsec_") + 32
    assert endpoint["secretStart"] == secret[:12]
    shown = (await api.get(f"/webhook/endpoints/{endpoint['id']}/")).json()
    assert shown == endpoint
    assert (await api.get("/webhook/endpoints/")).json()["results"] == [endpoint]
    async with reading(made.sandbox) as tx:
        kept = await tx.value("SELECT row_to_json(e)::text FROM webhook_endpoints e WHERE id = %s", (endpoint["id"],))
    assert secret[12:] not in kept
    rotated = (await api.post(f"/webhook/endpoints/{endpoint['id']}/rotate-secret/")).json()
    assert rotated["secret"] != secret
    assert rotated["secretStart"] == rotated["secret"][:12]


async def test_an_endpoint_reads_as_it_was_written(api: Client) -> None:
    plain = await create(api)
    assert (plain["eventTypes"], plain["description"], plain["enabled"]) == (["*"], "", True)
    for name in ("disabledReason", "disabledOn", "failingSince", "waitingSince"):
        assert plain[name] is None
    off = await create(api, event_types=[*TYPES, TYPES[0]], enabled=False)
    assert (off["eventTypes"], off["enabled"], off["disabledReason"]) == (TYPES, False, "REQUESTED")
    assert off["disabledOn"] is not None
    assert (await create(api, eventTypes=["order.created", "*"]))["eventTypes"] == ["*"]


async def test_a_change_changes_what_it_names_and_nothing_when_all_is_so_already(api: Client) -> None:
    endpoint = await create(api, eventTypes=TYPES)
    del endpoint["secret"]
    path = f"/webhook/endpoints/{endpoint['id']}/"
    assert (await api.patch(path, {"url": URL, "enabled": True})).json() == endpoint
    changed = (await api.patch(path, {"eventTypes": ["*"], "enabled": False})).json()
    assert (changed["eventTypes"], changed["enabled"], changed["disabledReason"]) == (["*"], False, "REQUESTED")
    assert changed["modifiedOn"] > endpoint["modifiedOn"]
    again = (await api.patch(path, {"enabled": True, "url": "https://example.com:8443/"})).json()
    assert (again["enabled"], again["disabledReason"], again["disabledOn"]) == (True, None, None)


async def test_a_deleted_endpoint_is_gone_from_everywhere(api: Client) -> None:
    endpoint = await create(api)
    path = f"/webhook/endpoints/{endpoint['id']}/"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get("/webhook/endpoints/")).json()["count"] == 0
    for method, tail in (("GET", ""), ("DELETE", ""), ("PATCH", ""), ("POST", "test/"), ("POST", "rotate-secret/")):
        assert (await api.request(method, path + tail, json={})).status_code == 404
    assert (await api.post(path + "replay/", {"start": "2026-01-01T00:00:00Z"})).status_code == 404


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"url": ["This field is required."]}),
        ({"url": None}, {"url": ["This field may not be null."]}),
        ({"url": "ftp://example.com"}, {"url": ["Enter a valid URL."]}),
        ({"url": "https://ada:secret@example.com"}, {"url": ["An address may not hold a user name or a password."]}),
        ({"url": "https://example.com/#top"}, {"url": ["An address may not hold a fragment."]}),
        ({"url": URL, "eventTypes": []}, {"eventTypes": ["Ensure this field has at least 1 elements."]}),
        (
            {"url": URL, "eventTypes": ["customer.created", "customer.eaten"]},
            {"eventTypes": ['eventTypes[1]: "customer.eaten" is not a valid choice.']},
        ),
        ({"url": URL, "enabled": "yes"}, {"enabled": ["Must be a valid boolean."]}),
    ],
)
async def test_a_fault_names_its_field(api: Client, body: dict[str, Any], faults: dict[str, Any]) -> None:
    answer = await api.post("/webhook/endpoints/", body)
    assert (answer.status_code, answer.json()) == (400, faults)
    if body:
        endpoint = await create(api)
        answer = await api.patch(f"/webhook/endpoints/{endpoint['id']}/", body)
        assert (answer.status_code, answer.json()) == (400, faults)


async def test_without_open_networks_only_the_public_internet_by_https_is_taken(api: Client) -> None:
    before = current_outgoing()
    use_outgoing(Outgoing())
    try:
        for url in (
            "http://example.com/", "https://example.com:22/", "https://localhost/", "https://127.0.0.1/",
            "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.1/",
        ):  # fmt: skip
            answer = await api.post("/webhook/endpoints/", {"url": url})
            assert (answer.status_code, list(answer.json())) == (400, ["url"]), url
        await create(api, url="https://example.com:8443/")
    finally:
        use_outgoing(before)


async def test_there_is_a_limit_to_how_many_there_are(api: Client, made: Made) -> None:
    for _ in range(50):
        await create_endpoint(made.sandbox, NewEndpoint(URL, ["*"], "", False))
    answer = await api.post("/webhook/endpoints/", {"url": URL})
    assert (answer.status_code, answer.json()) == (400, {"detail": "There are 50 webhook endpoints already."})
    listed = (await api.get("/webhook/endpoints/?page_size=30&page=2")).json()
    assert (listed["count"], len(listed["results"]), listed["next"]) == (50, 20, None)


async def test_a_test_event_is_sent_at_once_and_its_answer_shown(api: Client) -> None:
    async with receiving() as receiver:
        endpoint = await create(api, url=receiver.url, eventTypes=["order.created"], enabled=False)
        receiver.answer(201, b"thank you " + b"x" * 5000)
        answer = await api.post(f"/webhook/endpoints/{endpoint['id']}/test/")
        attempt = answer.json()
        assert answer.status_code == 200
        assert (attempt["statusCode"], attempt["isSuccess"], attempt["failure"]) == (201, True, None)
        assert attempt["responseBody"] == "thank you " + "x" * 4086
        [received] = receiver.received
        event = validate_event(received.body, received.headers, endpoint["secret"])
        assert event == attempt["payload"]
        assert (event["type"], event["data"]["object"]["id"]) == ("webhook.test", endpoint["id"])
        receiver.answer(500, b"oh no")
        failed = (await api.post(f"/webhook/endpoints/{endpoint['id']}/test/")).json()
        assert (failed["statusCode"], failed["isSuccess"], failed["responseBody"]) == (500, False, "oh no")
    unreachable = (await api.post(f"/webhook/endpoints/{endpoint['id']}/test/")).json()
    assert (unreachable["statusCode"], unreachable["isSuccess"]) == (None, False)
    assert unreachable["failure"]
    logs = (await api.get("/webhook/logs/")).json()
    assert logs["count"] == 3
    await forget_deliveries()


async def test_a_test_whose_process_died_is_sent_by_a_worker_and_once(api: Client, made: Made) -> None:
    async with receiving() as receiver:
        endpoint = await create(api, url=receiver.url)
        await api.post(f"/webhook/endpoints/{endpoint['id']}/test/")
        async with transaction(made.sandbox) as tx:
            # As a process leaves it that died before it sent anything.
            await tx.execute(
                "WITH lane AS (INSERT INTO webhook_lanes (endpoint_id, lane, due_at, is_taken)"
                "  SELECT %(endpoint)s, id, %(due)s, true FROM webhook_events WHERE tenant_id = %(tenant)s)"
                " INSERT INTO webhook_deliveries (tenant_id, endpoint_id, lane, position, queued_at)"
                " SELECT tenant_id, %(endpoint)s, id, position, %(due)s FROM webhook_events"
                " WHERE tenant_id = %(tenant)s",
                {"endpoint": endpoint["id"], "due": tx.machine_now, "tenant": tx.tenant_id},
            )
        receiver.answer(500)
        assert await deliver() == 1
        assert len(receiver.received) == 2


async def test_how_an_endpoint_fares_is_shown(api: Client) -> None:
    await forget_deliveries()
    async with receiving() as receiver:
        endpoint = await create(api, url=receiver.url)
        path = f"/webhook/endpoints/{endpoint['id']}/"
        await api.post("/customers/", {"customerId": uuid4().hex})
        receiver.answer(500)
        await deliver()
        shown = (await api.get(path)).json()
        assert shown["enabled"]
        assert shown["failingSince"] is not None
        assert shown["waitingSince"] is not None
        receiver.answer(410)
        for _ in range(2):
            await wait(timedelta(minutes=1))
            await deliver()
        shown = (await api.get(path)).json()
        assert (shown["enabled"], shown["disabledReason"]) == (False, "GONE")
        assert shown["modifiedOn"] == endpoint["modifiedOn"], "nobody changed it"
