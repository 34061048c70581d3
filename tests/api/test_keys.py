"""Who may call what, and what stands in the way."""

from uuid import UUID

import pytest
from starlette.applications import Starlette

from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.tenants import store
from kelviq_server.tenants.actions.create_key import create_key
from kelviq_server.tenants.actions.revoke_key import revoke_key
from kelviq_server.tenants.records import EnvironmentName, KeyKind
from tests import make
from tests.api.conftest import Client, client_for, client_with
from tests.make import Made


async def test_without_a_key_nothing_opens(anonymous: Client) -> None:
    for path in ("/customers/", "/customers/x/", "/partner/organizations/"):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.json()) == (401, {"detail": "Authentication credentials were not provided."})
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer sk_sandbox_wrong", "Bearer ", "Bearer", "Basic c2s6", "sk_sandbox_x", "Bearer " + "x" * 5000, "Bearer ü"],
)
async def test_a_key_that_is_none_opens_nothing(app: Starlette, header: str) -> None:
    answer = await client_with(app, {}).get("/customers/", headers=[(b"authorization", header.encode("latin-1"))])
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API key."})
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_partner_key_is_none_for_customers_nor_the_other_way_round(
    app: Starlette, made: Made, partner_api: Client
) -> None:
    server_key = made.keys.sandbox.server.plain
    assert (
        await client_with(app, {"X-Kelviq-Partner-Key": server_key}).get("/partner/organizations/")
    ).status_code == 401
    partner_key = partner_api.http.headers["x-kelviq-partner-key"]
    assert (await client_for(app, partner_key).get("/customers/")).status_code == 401


async def test_a_client_key_may_not_see_customers(app: Starlette, made: Made) -> None:
    client = client_for(app, made.keys.sandbox.client.plain)
    for answer in (
        await client.get("/customers/"),
        await client.post("/customers/", {"customerId": "x"}),
        await client.patch("/customers/x/", {}),
        await client.delete("/customers/x/"),
    ):
        forbidden = {"detail": "You do not have permission to perform this action."}
        assert (answer.status_code, answer.json()) == (403, forbidden)


async def test_a_revoked_key_opens_nothing_from_then_on(app: Starlette, made: Made) -> None:
    key = await create_key(made.organization.slug, EnvironmentName.SANDBOX, KeyKind.SERVER)
    assert key is not None
    client = client_for(app, key.plain)
    assert (await client.get("/customers/")).status_code == 200
    assert await revoke_key(await _id_of(made, key.plain))
    # The news travels through the database; every process listens.
    while (answer := await client.get("/customers/")).status_code == 200:
        pass
    assert answer.json() == {"detail": "Invalid API key."}


async def _id_of(made: Made, plain: str) -> UUID:
    async with reading(INSTANCE) as tx:
        keys = await store.list_keys(tx, made.organization.slug)
    # The first characters are all that is kept in the clear: of two sandbox server keys, ours is the newer.
    return [key.id for key in keys if key.shown == plain[:12] or key.kind == KeyKind.SERVER][-1]


async def test_environments_share_nothing(app: Starlette, made: Made) -> None:
    await make.customer(made.sandbox, external_id="only-sandbox")
    live = client_for(app, made.keys.production.server.plain)
    assert (await live.get("/customers/")).json()["count"] == 0
    assert (await live.post("/customers/", {"customerId": "only-sandbox"})).status_code == 201


async def test_every_answer_carries_a_request_id(api: Client) -> None:
    assert (await api.get("/customers/", headers={"X-Request-Id": "abc-123"})).headers["x-request-id"] == "abc-123"
    for insane in ("a b", "x" * 129, "<script>", "ü"):
        answer = await api.get("/customers/", headers=[(b"x-request-id", insane.encode())])
        assert len(answer.headers["x-request-id"]) == 32


async def test_a_method_that_a_path_does_not_take_is_named(api: Client) -> None:
    answer = await api.request("PUT", "/customers/x/", json={})
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "PUT" not allowed.'})
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PATCH"


async def test_pages_of_other_origins_are_kept_out(api: Client) -> None:
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    answer = await api.request("OPTIONS", "/customers/", headers=preflight)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in (await api.get("/customers/", headers=preflight)).headers


async def test_a_body_over_a_mebibyte_is_refused_unread(api: Client) -> None:
    read: list[int] = []

    async def body():
        for number in range(2048):
            read.append(number)
            yield b" " * 1024

    declared = {"Content-Type": "application/json", "Content-Length": str(2 * 1024 * 1024)}
    answer = await api.post("/customers/", content=body(), headers=declared)
    assert (answer.status_code, answer.json()) == (413, {"detail": "The request body is larger than 1 MiB."})
    undeclared = {"Content-Type": "application/json"}
    assert (await api.post("/customers/", content=body(), headers=undeclared)).status_code == 413
