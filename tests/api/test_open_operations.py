"""What the API does for operations that a client key may call: tried with one made for the purpose."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount

from kelviq_server.app import key_owner
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.authentication import Authentication, KeyMemory
from kelviq_server.platform.http import Api
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.platform.rate_limits import RateLimit
from tests.make import Made

operations = Operations("Open", Access.CLIENT)


@operations.add("GET", "/open/", "open", summary="Open")
async def open_operation(call: Call[None]) -> Response:
    """Answers."""
    return json_answer({"tenant": call.tenant.id})


@operations.add("POST", "/broken/", "broken", summary="Broken")
async def broken_operation(call: Call[None]) -> Response:
    """Fails with a secret in its message."""
    raise RuntimeError("the password is hunter2")


def client(made: Made, key: str, rate_limit: RateLimit | None = None) -> httpx.AsyncClient:
    keys = KeyMemory(key_owner)
    api = Api(operations.all, Authentication(keys, keys), rate_limit)
    transport = httpx.ASGITransport(Starlette(routes=[Mount("/api/v1", api)]), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://t", headers={"Authorization": f"Bearer {key}"})


async def test_client_and_server_keys_may_call_it_from_any_page(made: Made) -> None:
    for key in (made.keys.sandbox.client, made.keys.sandbox.server):
        answer = await client(made, key.plain).get("/api/v1/open/")
        assert answer.json() == {"tenant": made.sandbox.id}
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_page_may_ask_beforehand(made: Made) -> None:
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    answer = await client(made, "none").options("/api/v1/open/", headers=preflight)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Authorization" in answer.headers["access-control-allow-headers"]


async def test_refusals_can_be_read_by_a_page_too(made: Made) -> None:
    answer = await client(made, "wrong").get("/api/v1/open/")
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_our_fault_tells_nothing_of_its_cause(made: Made, capfd: pytest.CaptureFixture[str]) -> None:
    answer = await client(made, made.keys.sandbox.server.plain).post("/api/v1/broken/")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal server error.", "requestId": answer.headers["x-request-id"]}


async def test_a_key_that_calls_too_often_is_told_when_to_come_back(made: Made) -> None:
    limited = client(made, made.keys.sandbox.client.plain, RateLimit(per_second=0.01, burst=3))
    answers = [await limited.get("/api/v1/open/") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[3].headers["retry-after"]) <= 100
    assert answers[3].json()["detail"].startswith("Request was throttled.")


async def test_the_allowance_is_shared_between_processes_but_not_between_keys(made: Made) -> None:
    key, other = made.keys.production.client.plain, made.keys.production.server.plain
    one, two = (client(made, key, RateLimit(per_second=0.01, burst=3)) for _ in range(2))
    statuses = [(await process.get("/api/v1/open/")).status_code for process in (one, two, one, two)]
    assert statuses == [200, 200, 200, 429]
    assert (await client(made, other, RateLimit(per_second=0.01, burst=3)).get("/api/v1/open/")).status_code == 200
