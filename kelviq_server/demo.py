"""What `serve --demo` fills a sandbox with: a small company's catalog, published, and customers."""

from pathlib import Path

import httpx
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from kelviq_server.app import operations
from kelviq_server.customers.actions.seed_customers import seed_customers
from kelviq_server.platform.database import INSTANCE, Tenant, reading
from kelviq_server.platform.http import Api
from kelviq_server.platform.operations import API_PATH, Access, Caller
from kelviq_server.pricing_as_code.steps import Catalog, push_catalog, read_catalog
from kelviq_server.tenants.records import EnvironmentName
from kelviq_server.tenants.steps import find_tenant

CATALOG = Path(__file__).parent / "demo.yaml"
CUSTOMERS = 40


def demo_catalog() -> Catalog:
    """Return the catalog: two products, and plans that are free, paid, by the seat, by usage and by agreement."""
    return read_catalog(CATALOG.read_text())


async def fill_demo() -> bool:
    """Fill the first organization's sandbox, unless anything is sold there already; say whether that was done."""
    async with reading(INSTANCE) as tx:
        tenant = await find_tenant(tx, None, EnvironmentName.SANDBOX)
    if tenant is None:
        return False
    async with api_for(tenant) as client:
        listed = await client.get("catalog/products/", params={"page_size": 1})
        if listed.raise_for_status().json()["count"]:
            return False
        await push_catalog(client, demo_catalog(), publish=True)
    await seed_customers(tenant, CUSTOMERS, lambda added: None)
    return True


def api_for(tenant: Tenant) -> httpx.AsyncClient:
    """Return a client that calls the API in process, on behalf of this tenant, without a key."""

    async def authenticate(request: Request, access: Access) -> Caller:
        return Caller(tenant, "demo", Access.SERVER)

    api = Api(operations(), authenticate)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await api({**scope, "root_path": API_PATH, "is_ours": True}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=f"http://demo{API_PATH}/")
