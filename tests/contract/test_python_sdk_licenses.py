"""Licences and portal sessions by the official Python client, unchanged, against a whole server."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from kelviq_sdk import InvalidRequestError, NotFoundError
from kelviq_sdk.exceptions import APIError

from tests.contract.merchant import buyer, charge_of, merchant
from tests.contract.python_client import Client
from tests.contract.server import Server

# The client itself was written for an older Pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince212")


@pytest.fixture
async def key(server: Server, sandbox: str) -> AsyncIterator[str]:
    """The licence key that Ada bought, for two machines."""
    with merchant(server.url, sandbox) as api:

        def made(path: str, body: dict[str, Any]) -> Any:
            return api.post(path, json=body).raise_for_status().json()

        made("/sandbox/clock/", {"now": "2031-04-01T00:00:00Z"})
        product = made("/catalog/products/", {"name": "Lumen", "taxCode": "saas"})["id"]
        license = {"enabled": True, "activationLimit": 2, "activationLimitEnabled": True, "hasExpiry": True}
        made("/catalog/plans/", {"name": "L", "identifier": "lifetime", "product": product, "license": license})
        charge = {"chargePeriod": "ONE_TIME", "priceData": {"amount": 49}}
        price = {"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [{"charges": [charge]}]}
        made("/catalog/plans/lifetime/prices/bulk/", {"prices": [price]})
        made("/catalog/plans/lifetime/publish/", {})
        buyer(api, "ada")
        yield made("/charges/", charge_of("ada"))["license"][0]["licenseKey"]


@pytest.fixture
async def client(way: str, server: Server, sandbox: str) -> AsyncIterator[Client]:
    """The client of that sandbox."""
    client = Client(way, server.url, sandbox, "license")
    yield client
    await client.close()


async def test_a_licence_is_activated_validated_and_deactivated(client: Client, key: str) -> None:
    active = await client(
        "activate", licenseKey=key, customerId="ada", instanceName="Geo's Workstation", metadata={"os": "macOS"}
    )
    assert (active.expiresOn, active.license.activationUsage, active.license.activationLimit) == (
        "2032-04-01T00:00:00.000000Z", 1, 2,
    )  # fmt: skip
    assert (active.license.customer.customerId, active.license.plan.product.name) == ("ada", "Lumen")
    assert active.license.subscription.billingType == "ONE_TIME"
    valid = await client("validate", licenseKey=key, instanceId=active.instanceId)
    assert (valid.valid, valid.code, valid.metadata) == (True, "VALID", {"os": "macOS"})
    assert (await client("validate", licenseKey=key)).valid
    gone = await client("deactivate", licenseKey=key, instanceId=active.instanceId)
    assert gone.message == "License instance deactivated successfully."
    idle = await client("validate", licenseKey=key)
    assert (idle.valid, idle.code) == (False, "NOT_ACTIVATED")


async def test_what_is_wrong_is_an_error_of_its_status(client: Client, key: str) -> None:
    for call in (
        client("validate", licenseKey="LIC-other"),
        client("validate", licenseKey=key, instanceId=str(uuid4())),
        client("deactivate", licenseKey=key, instanceId=str(uuid4())),
        client("activate", licenseKey=key, customerId="bob"),
    ):
        with pytest.raises(NotFoundError):
            await call
    for _ in range(2):
        await client("activate", licenseKey=key)
    with pytest.raises(APIError, match="403") as refused:
        await client("activate", licenseKey=key)
    assert "Activation limit reached (2/2)." in str(refused.value.__dict__)


async def test_a_portal_shows_what_was_bought(client: Client, server: Server, key: str) -> None:
    session = await client("portal.create_session", customerId="ada")
    assert session.email == "ada@example.com"
    link = f"{session.customerPortalUrl}?token={session.token}"
    assert link.startswith(server.url)
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        assert key in (await browser.get(link)).text
    with pytest.raises(InvalidRequestError):
        await client("portal.create_session", customerId="nobody")
