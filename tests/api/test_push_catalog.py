"""A catalog is pushed in process, to this server and to one that answers only what is published."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.pricing_as_code.errors import CatalogDrift, PushStopped
from kelviq_server.pricing_as_code.pull import pull_catalog
from kelviq_server.pricing_as_code.server import Server
from kelviq_server.pricing_as_code.steps import connect, push_catalog, read_catalog, write_catalog
from tests.contract.catalog_example import EXAMPLE
from tests.make import Made

README = Path(__file__).parents[2] / "README.md"


class Elsewhere(httpx.AsyncBaseTransport):
    """A server that knows no `include`, has small pages and is asked too often now and then."""

    def __init__(self, app: Starlette) -> None:
        self._app = httpx.ASGITransport(app)
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if len(self.paths) % 5 == 0:
            return httpx.Response(429, headers={"Retry-After": "0"})
        query = request.url.params.remove("include")
        if "page_size" in query:
            query = query.set("page_size", "1")
        request.url = request.url.copy_with(params=query)
        return await self._app.handle_async_request(request)


@pytest.fixture(params=["ours", "elsewhere"])
async def client(request: pytest.FixtureRequest, app: Starlette, made: Made) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app) if request.param == "ours" else Elsewhere(app)
    async with connect("http://testserver", made.keys.sandbox.server.plain, transport) as client:
        yield client


async def test_a_catalog_is_pushed_and_published(client: httpx.AsyncClient) -> None:
    wanted = read_catalog(EXAMPLE)
    told: list[str] = []
    first = await push_catalog(client, wanted, publish=True, tell=told.append)
    assert told == [*first.lines, *(f"publish plan {name}" for name in ("starter", "usage", "shelf", "pro"))]
    assert (await push_catalog(client, wanted, publish=True)).changes == ()
    found = await pull_catalog(Server(client))
    assert found.published == {"starter", "usage", "shelf", "pro"}
    written = write_catalog(found.catalog())
    again = await push_catalog(client, read_catalog(written), publish=False)
    assert (again.changes, again.unpublished) == ((), ())


async def test_the_example_of_the_readme_is_sold(client: httpx.AsyncClient) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    asked = await push_catalog(client, read_catalog(example), publish=True)
    assert asked.lines[0] == '+ product suite: name "Suite", taxCode "saas"'
    assert (await pull_catalog(Server(client))).published == {"pro"}


async def test_a_refused_step_says_what_was_done(client: httpx.AsyncClient) -> None:
    wrong = EXAMPLE.replace(
        "{chargePeriod: YEARLY, priceData: {amount: 490}}", "{chargePeriod: DAILY, priceData: {amount: 1}}"
    )
    with pytest.raises(PushStopped) as caught:
        await push_catalog(client, read_catalog(wrong), publish=True)
    assert "plan pro: price USD" in str(caught.value)
    assert "Every entry is charged for the same periods" in str(caught.value)
    assert caught.value.applied[0].startswith("+ product suite")
    assert all("plan pro: price" in line for line in caught.value.left)
    rest = await push_catalog(client, read_catalog(EXAMPLE), publish=True)
    assert [line.split(": ")[0] for line in rest.lines] == ["+ plan pro", "+ plan pro"]


async def test_a_drift_writes_nothing(client: httpx.AsyncClient) -> None:
    await push_catalog(client, read_catalog(EXAMPLE), publish=False)
    before = write_catalog((await pull_catalog(Server(client))).catalog())
    other = EXAMPLE.replace("type: CUSTOMIZABLE", "type: BOOLEAN").replace("name: Suite", "name: Other")
    with pytest.raises(CatalogDrift, match="feature seats: type"):
        await push_catalog(client, read_catalog(other), publish=True)
    assert write_catalog((await pull_catalog(Server(client))).catalog()) == before
