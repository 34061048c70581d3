"""What the API does for operations that a client key may call: tried with one made for the purpose."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount

from kelviq_server.app import key_owner
from kelviq_server.platform.answers import json_answer, redirect_answer
from kelviq_server.platform.authentication import Authentication, KeyMemory
from kelviq_server.platform.http import Api
from kelviq_server.platform.openapi import document
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.platform.public_url import PublicUrl
from kelviq_server.platform.rate_limits import RateLimit, forget_whole_allowances
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


public_operations = Operations("Public", Access.PUBLIC)


@public_operations.add("GET", "/public/", "public", summary="Public", status=302)
async def public_operation(call: Call[None]) -> Response:
    """Leads elsewhere."""
    return redirect_answer(f"https://elsewhere.example/{call.caller.key_id}", 300)


def without_key(rate_limit: RateLimit | None = None, *, address: str = "203.0.113.7") -> httpx.AsyncClient:
    keys = KeyMemory(key_owner)
    proxies = PublicUrl(None, [ip_network("10.0.0.0/8")])
    api = Api(public_operations.all, Authentication(keys, keys, proxies), rate_limit)
    app = Starlette(routes=[Mount("/api/v1", api)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://t")


async def test_what_is_public_needs_no_key_and_takes_any(pool: None) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        answer = await without_key().get("/api/v1/public/", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (
            302,
            "https://elsewhere.example/address:203.0.113.7",
        )
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("address", "forwarded", "key"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "192.0.2.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.9, 10.0.0.2", "192.0.2.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "unknown"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
    ],
)
async def test_without_a_key_calls_are_counted_by_where_they_come_from(
    pool: None, address: str, forwarded: str, key: str
) -> None:
    answer = await without_key(address=address).get("/api/v1/public/", headers={"X-Forwarded-For": forwarded})
    assert answer.headers["location"] == f"https://elsewhere.example/address:{key}"


async def test_one_address_does_not_use_up_the_allowance_of_another(pool: None) -> None:
    limit = RateLimit(per_second=0.01, burst=2)
    answers = [await without_key(limit, address="192.0.2.1").get("/api/v1/public/") for _ in range(3)]
    answers.append(await without_key(limit, address="192.0.2.2").get("/api/v1/public/"))
    assert [answer.status_code for answer in answers] == [302, 302, 429, 302]


async def test_whole_allowances_are_forgotten(pool: None) -> None:
    address = "192.0.2.3"
    limit = RateLimit(per_second=0.01, burst=1)
    assert (await without_key(limit, address=address).get("/api/v1/public/")).status_code == 302
    for later, expected in ((timedelta(0), 429), (timedelta(seconds=101), 302)):
        await forget_whole_allowances(datetime.now(UTC) + later)
        assert (await without_key(limit, address=address).get("/api/v1/public/")).status_code == expected


def test_the_document_asks_no_key_of_what_is_public() -> None:
    described = document(public_operations.all, "1")["paths"]["/public/"]["get"]
    assert described["security"] == []
    assert set(described["responses"]) == {"302", "429", "500", "503"}
    assert described["responses"]["302"]["headers"]["Location"]["required"] is True
