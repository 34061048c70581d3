"""What holds for every address of the server, those beside the API too."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kelviq_server.app import operations
from kelviq_server.platform.database import current_pool
from kelviq_server.platform.operations import Access
from tests.api.conftest import Client

PAGES = ["/healthz", "/readyz", "/metrics", "/docs", "/api/v1/openapi.json"]
ASKED = [(operation, parameter.name) for operation in operations() for parameter in operation.parameters]


@pytest.fixture
async def pages(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.mark.parametrize("path", [page + slash for page in PAGES for slash in ("", "/")])
async def test_a_page_answers_with_and_without_the_trailing_slash(pages: httpx.AsyncClient, path: str) -> None:
    answer = await pages.get(path, headers={"X-Request-Id": "abc-123"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "abc-123")
    refused = await pages.post(path)
    assert (refused.status_code, refused.json()) == (405, {"detail": 'Method "POST" not allowed.'})
    assert refused.headers["allow"] == "GET, HEAD"
    assert refused.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/api/v1", "/docs/nothing.js", "/healthz//", "/api/v1/x/"])
async def test_what_is_not_there_is_told_as_json_and_never_redirected(pages: httpx.AsyncClient, path: str) -> None:
    answer = await pages.get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert answer.headers["x-request-id"]


async def test_nothing_of_the_api_is_kept_on_the_way(pages: httpx.AsyncClient, api: Client) -> None:
    for answer in (
        await api.get("/customers/"),
        await api.get("/customers/nobody/"),
        await pages.get("/api/v1/customers/"),
        await pages.get("/api/v1/openapi.json"),
    ):
        assert answer.headers.get_list("cache-control") == ["no-store"]
    assert (await pages.get("/docs")).headers.get_list("cache-control") == ["no-cache"]


async def test_a_fault_of_a_page_tells_nothing_of_its_cause(app: Starlette, pages: httpx.AsyncClient) -> None:
    async def broken(request: Request) -> Response:
        raise RuntimeError("the password is hunter2")

    app.router.routes.append(Route("/broken", broken))
    try:
        answer = await pages.get("/broken")
    finally:
        app.router.routes.pop()
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal server error.", "requestId": answer.headers["x-request-id"]}


async def test_a_newer_version_that_migrated_leaves_this_one_ready(pages: httpx.AsyncClient) -> None:
    async with current_pool().connection() as connection:
        await connection.execute(
            "INSERT INTO schema_migrations (name, checksum, applied_at)"
            " SELECT '9999_newer', checksum, applied_at FROM schema_migrations LIMIT 1"
        )
        try:
            assert (await pages.get("/readyz")).status_code == 200
            await connection.execute("UPDATE schema_migrations SET name = 'x' || name WHERE name LIKE '0001%'")
            assert (await pages.get("/readyz")).status_code == 503
        finally:
            await connection.execute("UPDATE schema_migrations SET name = substr(name, 2) WHERE name LIKE 'x%'")
            await connection.execute("DELETE FROM schema_migrations WHERE name = '9999_newer'")


@pytest.mark.parametrize(("operation", "name"), ASKED, ids=lambda value: getattr(value, "id", value))
async def test_a_null_character_in_a_query_is_no_fault(
    api: Client, partner_api: Client, operation: Any, name: str
) -> None:
    client = partner_api if operation.access is Access.PARTNER else api
    answer = await client.request(operation.method, re.sub(r"{\w+}", "x", operation.path) + f"?{name}=%00")
    assert answer.status_code < 500
