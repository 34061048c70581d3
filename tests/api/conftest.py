"""A client for each kind of key, which checks every answer against the published document."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.app import create_app, openapi_document
from kelviq_server.billing.transactions.records import FeeTerms
from kelviq_server.billing.transactions.steps import use_fee_terms
from kelviq_server.partner.actions.create_partner import create_partner
from kelviq_server.platform.settings import Settings
from tests.api.document import check_answer
from tests.conftest import LOOPBACK, SECRET
from tests.make import Made

BASE = "http://testserver/api/v1"


@pytest.fixture(scope="session")
async def app(conninfo: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Starlette]:
    """The application, started."""
    settings = Settings(
        data_dir=Path(tmp_path_factory.mktemp("data")), secret=SECRET, pool_size=40, webhook_networks=LOOPBACK
    )
    app = create_app(settings, conninfo, with_worker=False)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
async def pool(app: Starlette) -> None:
    """The application's connections serve the tests too: a process has one pool."""


@cache
def _published() -> dict[str, Any]:
    """Return the published document; made once, since it takes longer than most calls."""
    return openapi_document()


@dataclass
class Client:
    """Calls the API in process. Paths are relative to /api/v1; every answer is checked against the document."""

    http: httpx.AsyncClient

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = await self.http.request(method, BASE + path, **options)
        check_answer(_published(), method, path, response)
        return response

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json=json, **options)

    async def patch(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("PATCH", path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("DELETE", path, **options)


def client_with(app: Starlette, headers: dict[str, str]) -> Client:
    """Return a client that sends these headers."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return Client(httpx.AsyncClient(transport=transport, headers=headers))


def client_for(app: Starlette, key: str) -> Client:
    """Return a client that calls with this key."""
    return client_with(app, {"Authorization": f"Bearer {key}"})


@pytest.fixture
def api(app: Starlette, made: Made) -> Client:
    """The sandbox of a new organization, with its server key."""
    return client_for(app, made.keys.sandbox.server.plain)


@pytest.fixture
def anonymous(app: Starlette) -> Client:
    """Somebody without a key."""
    return client_with(app, {})


@pytest.fixture
async def partner_api(app: Starlette, pool: None) -> Client:
    """A new partner."""
    return client_with(app, {"X-Kelviq-Partner-Key": await create_partner("Partner")})


@pytest.fixture
def fees() -> Iterator[None]:
    """The hosted product's fees are kept of payments."""
    use_fee_terms(
        FeeTerms(
            fixed_units=40,
            base_percent=Decimal("2.9"),
            threshold_units=500_000,
            base_percent_above=Decimal("3.5"),
            subscription_percent=Decimal("0.7"),
            international_percent=Decimal("1.5"),
        )
    )
    yield
    use_fee_terms(FeeTerms())
