"""A write that bears an Idempotency-Key can be sent again: it is carried out once, and answered alike."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.app import openapi_document, operations
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.platform.operations import Access
from tests import make
from tests.api.conftest import Client, client_for, client_with
from tests.make import Made
from tests.statements import counting

OTHERWISE = {"detail": "This Idempotency-Key belongs to another request; use a new key for a new request."}


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def is_replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


def assert_same(first: httpx.Response, second: httpx.Response) -> None:
    """Fail unless the second answer is the first one replayed: status, body and headers, but for the request's id."""
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    for answer in (first, second):
        del answer.headers["x-request-id"]
    del second.headers["idempotent-replayed"]
    assert second.headers == first.headers


async def count(api: Client) -> int:
    return (await api.get("/customers/")).json()["count"]


async def test_a_repeated_creation_creates_once_and_answers_alike(api: Client, made: Made) -> None:
    key, body = new_key(), {"customerId": "ada", "metadata": {"é": 12345678901234567890.10}}
    first = await api.post("/customers/", body, headers=key)
    assert first.status_code == 201
    assert_same(first, await api.post("/customers/", body, headers=key))
    assert len(await make.events(made.sandbox)) == await count(api) == 1


async def test_the_answer_is_the_first_one_whatever_happened_since(api: Client) -> None:
    key = new_key()
    first = await api.post("/customers/", {"customerId": "ada"}, headers=key)
    await api.delete("/customers/ada/")
    assert_same(first, await api.post("/customers/", {"customerId": "ada"}, headers=key))


async def test_an_update_and_an_archiving_are_repeated_without_harm(api: Client) -> None:
    await api.post("/customers/", {"customerId": "ada"})
    key = new_key()
    first = await api.patch("/customers/ada/", {"name": "Ada"}, headers=key)
    await api.patch("/customers/ada/", {"name": "Countess"})
    assert_same(first, await api.patch("/customers/ada/", {"name": "Ada"}, headers=key))
    assert (await api.get("/customers/ada/")).json()["name"] == "Countess"
    key = new_key()
    gone = await api.delete("/customers/ada/", headers=key)
    assert (gone.status_code, gone.content) == (204, b"")
    assert_same(gone, await api.delete("/customers/ada/", headers=key))
    assert (await api.delete("/customers/ada/", headers=new_key())).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/customers/", {"email": "nobody"}, 400),
        ("POST", "/customers/", [], 400),
        ("POST", "/customers/", {"customerId": "taken"}, 400),
        ("PATCH", "/customers/nobody/", {"name": "Ada"}, 404),
        ("DELETE", "/customers/nobody/", None, 404),
        ("PUT", "/catalog/plans/nothing/features/", {"planEntitlements": []}, 404),
    ],
)
async def test_a_refusal_is_repeated_too(api: Client, method: str, path: str, body: Any, status: int) -> None:
    await api.post("/customers/", {"customerId": "taken"})
    key = new_key()
    first = await api.request(method, path, json=body, headers=key)
    await api.post("/customers/", {"customerId": "nobody"})
    assert first.status_code == status
    assert_same(first, await api.request(method, path, json=body, headers=key))


async def test_the_first_refusal_stands_even_when_the_reason_is_gone(api: Client) -> None:
    key = new_key()
    await api.patch("/customers/late/", {"name": "Ada"}, headers=key)
    await api.post("/customers/", {"customerId": "late"})
    assert (await api.patch("/customers/late/", {"name": "Ada"}, headers=key)).status_code == 404
    assert (await api.patch("/customers/late/", {"name": "Ada"}, headers=new_key())).status_code == 200


SAME = b'{"customerId": "ada", "metadata": {"a": 1, "b": [1.50, {"c": null, "d": "x"}]}}'


@pytest.mark.parametrize(
    "again",
    [
        SAME,
        b' { "metadata" :{"b":[1.50,{"d":"x","c":null}],"a":1},\n"customerId":"ada"} ',
        b'{"customerId": "\\u0061da", "metadata": {"a": 1, "b": [1.50, {"c": null, "d": "x"}]}}',
    ],
)
async def test_white_space_escapes_and_the_order_of_keys_make_no_other_request(api: Client, again: bytes) -> None:
    headers = {**new_key(), "Content-Type": "application/json"}
    first = await api.post("/customers/", content=SAME, headers=headers)
    assert first.status_code == 201
    assert_same(first, await api.post("/customers", content=again, headers=headers))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/customers/", b'{"customerId": "grace"}'),
        ("POST", "/customers/", b'{"customer_id": "ada"}'),
        ("POST", "/customers/", b'{"customerId": "ada", "unknown": 1}'),
        ("POST", "/customers/", b'{"customerId": "ada", "customerId": "ada"}'),
        ("POST", "/customers/", b'{"customerId": "\\ud800"}'),
        ("POST", "/customers/", b'["customerId", "ada"]'),
        ("POST", "/customers/?x=1", b'{"customerId": "ada"}'),
        ("PATCH", "/customers/ada/", b'{"customerId": "ada"}'),
        ("DELETE", "/customers/ada/", b""),
        ("POST", "/catalog/products/", b'{"customerId": "ada"}'),
    ],
)
async def test_the_key_of_another_request_is_refused(api: Client, method: str, path: str, body: bytes) -> None:
    headers = {**new_key(), "Content-Type": "application/json"}
    first = await api.post("/customers/", content=b'{"customerId": "ada"}', headers=headers)
    answer = await api.request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (409, OTHERWISE)
    assert_same(first, await api.post("/customers/", content=b'{"customerId": "ada"}', headers=headers))


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (b'{"a": 1}', b'{"a": "1"}'),
        (b'{"a": 1}', b'{"a": 1.0}'),
        (b'{"a": 1.5}', b'{"a": "1.5"}'),
        (b'{"a": null}', b"{}"),
        (b'{"a": 2}', b'{"a": 1, "a": 2}'),
    ],
)
async def test_bodies_that_say_something_else_are_other_requests(api: Client, body: bytes, other: bytes) -> None:
    headers = {**new_key(), "Content-Type": "application/json"}
    await api.post("/customers/", content=body, headers=headers)
    assert (await api.post("/customers/", content=other, headers=headers)).status_code == 409


async def test_a_body_in_snake_case_is_repeated_like_any_other(api: Client) -> None:
    key, body = new_key(), {"customer_id": "ada", "billing_address": {"postal_code": "1"}}
    first = await api.post("/customers/", body, headers=key)
    assert first.json()["billingAddress"]["postalCode"] == "1"
    assert_same(first, await api.post("/customers/", body, headers=key))


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "schlüssel".encode("latin-1"), b"a\tb", b"a\x7fb"])
async def test_a_key_that_is_none_is_refused_and_nothing_done(api: Client, key: str | bytes) -> None:
    answer = await api.post("/customers/", {"customerId": "ada"}, headers=[("Idempotency-Key", key)])  # type: ignore
    refusal = {"Idempotency-Key": ["Must be one key of 1 to 255 printable ASCII characters."]}
    assert (answer.status_code, answer.json()) == (400, refusal)
    assert await count(api) == 0


async def test_two_keys_are_none(api: Client) -> None:
    two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await api.delete("/customers/ada/", headers=two)).status_code == 400


async def test_any_printable_key_of_255_characters_will_do(api: Client) -> None:
    key = {"Idempotency-Key": "".join(chr(33 + number % 94) for number in range(127)) + " " + "~" * 127}
    first = await api.post("/customers/", {"customerId": "ada"}, headers=key)
    assert_same(first, await api.post("/customers/", {"customerId": "ada"}, headers=key))


async def test_reads_take_no_notice_of_a_key(api: Client) -> None:
    for key in ("same", "x" * 256):
        assert await count(Client(api.http)) == 0
        answer = await api.get("/customers/", headers={"Idempotency-Key": key})
        assert (answer.status_code, is_replayed(answer)) == (200, False)


async def test_nothing_is_kept_of_what_is_refused_before_the_request_is_known(
    app: Starlette, api: Client, anonymous: Client
) -> None:
    key = new_key()
    body = {"customerId": "ada"}
    content = json.dumps(body).encode()
    plain = {**key, "Content-Type": "application/json"}
    refused = [
        await anonymous.post("/customers/", body, headers=key),
        await client_for(app, f"sk_sandbox_{'x' * 40}").post("/customers/", body, headers=key),
        await api.post("/customers/", content=content, headers={**key, "Content-Type": "text/plain"}),
        await api.post("/customers/", content=b"{", headers=plain),
        await api.post("/customers/", content=b" " * 1_100_000, headers=plain),
    ]
    assert [answer.status_code for answer in refused] == [401, 401, 415, 400, 413]
    assert (await api.post("/customers/", body, headers=key)).status_code == 201


async def test_absurd_nesting_is_refused_whether_or_not_there_is_a_key(api: Client) -> None:
    for depth in range(100, 1000, 50):
        content = b'{"customerId": "a", "metadata": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        headers = {**new_key(), "Content-Type": "application/json"}
        assert (await api.post("/customers/", content=content, headers=headers)).status_code == 400


async def test_each_environment_has_keys_of_its_own(app: Starlette, api: Client, made: Made) -> None:
    key, body = new_key(), {"customerId": "ada"}
    production = client_for(app, made.keys.production.server.plain)
    stranger = client_for(app, (await make.organization()).keys.sandbox.server.plain)
    for caller in (api, production, stranger):
        answer = await caller.post("/customers/", body, headers=key)
        assert (answer.status_code, is_replayed(answer)) == (201, False)


async def test_each_partner_has_keys_of_its_own_and_the_secrets_of_an_answer_come_again(
    app: Starlette, partner_api: Client
) -> None:
    other = client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Other")})
    key, body = new_key(), {"externalId": uuid4().hex, "email": f"{uuid4().hex}@example.com"}
    first = await partner_api.post("/partner/organizations/", body, headers=key)
    assert first.status_code == 201
    assert_same(first, await partner_api.post("/partner/organizations/", body, headers=key))
    theirs = await other.post("/partner/organizations/", body, headers=key)
    assert (theirs.status_code, is_replayed(theirs)) == (409, False), "the e-mail is known, and it is told by itself"


async def test_what_is_kept_cannot_be_read_without_the_secret(api: Client) -> None:
    key = new_key()
    url = {"url": f"https://example.com/{uuid4().hex}"}
    first = await api.post("/webhook/endpoints/", url, headers=key)
    secret = first.json()["secret"]
    assert_same(first, await api.post("/webhook/endpoints/", url, headers=key))
    async with reading(INSTANCE) as tx:
        row = await tx.value(
            "SELECT c::text || encode(sealed_answer, 'escape') FROM idempotency_claims c WHERE key = %s",
            (key["Idempotency-Key"],),
        )
    assert key["Idempotency-Key"] in row
    for part in (secret, secret.encode().hex(), url["url"], "example.com"):
        assert part not in row


async def test_a_rotated_secret_is_the_same_when_asked_for_again(api: Client) -> None:
    endpoint = (await api.post("/webhook/endpoints/", {"url": "https://example.com/"})).json()
    key, path = new_key(), f"/webhook/endpoints/{endpoint['id']}/rotate-secret/"
    first = await api.post(path, headers=key)
    assert first.json()["secret"] != endpoint["secret"]
    assert_same(first, await api.post(path, headers=key))


async def test_a_large_body_is_repeated_too(api: Client) -> None:
    key = new_key()
    body = {"customerId": "ada", "metadata": {"text": "x" * 60_000}, "unknown": ["y"] * 10_000}
    first = await api.post("/customers/", body, headers=key)
    assert first.status_code == 201
    assert_same(first, await api.post("/customers/", body, headers=key))


async def test_no_statement_more_without_a_key_and_two_and_a_mark_with_one(api: Client) -> None:
    async with counting() as ran:
        await api.post("/customers/", {"customerId": "ada"})
        await api.patch("/customers/ada/", {"name": "Ada"})
        await api.delete("/customers/ada/")
        without = list(ran)
    assert [statement for statement in without if "idempotency" in statement] == []
    key = new_key()
    async with counting() as ran:
        await api.post("/customers/", {"customerId": "grace"}, headers=key)
        first = list(ran)
    async with counting() as ran:
        await api.post("/customers/", {"customerId": "grace"}, headers=key)
        second = list(ran)
    about_keys = [statement for statement in first if "idempotency" in statement]
    assert [statement.split()[0] for statement in about_keys] == ["INSERT", "UPDATE", "UPDATE"]
    assert "has_effects" in about_keys[1]
    assert [statement.split()[0] for statement in second] == ["INSERT", "SELECT"]


def test_the_document_announces_the_key_on_every_write_and_on_nothing_else() -> None:
    paths: Any = openapi_document()["paths"]
    for operation in operations():
        described = paths[operation.path][operation.method.lower()]
        has_header = any(parameter["name"] == "Idempotency-Key" for parameter in described["parameters"])
        is_due = operation.method != "GET" and operation.access is not Access.PUBLIC
        assert has_header is is_due, f"{operation.id}: who owns the keys that its callers send?"
        assert not has_header or {"400", "409"} <= described["responses"].keys()
