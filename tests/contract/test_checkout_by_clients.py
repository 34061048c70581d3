"""Checkout sessions by the official clients, unchanged, against a whole server."""

import json
from typing import Any

import httpx
import pytest
from kelviq_sdk import InvalidRequestError

from tests.contract.merchant import merchant, sell_monthly
from tests.contract.node_client import report_of
from tests.contract.python_client import Client
from tests.contract.server import Server

# The client itself was written for an older Pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince212")
MONTHLY = {"planIdentifier": "pro", "chargePeriod": "MONTHLY", "successUrl": "https://example.com/welcome"}


def opened(server: Server, key: str, url: str, id: str) -> dict[str, Any]:
    """Return a session whose page is there."""
    assert url == f"{server.url}/checkout/{id}/"
    assert httpx.get(url).status_code == 200
    with merchant(server.url, key) as api:
        return api.get(f"/checkout/sessions/{id}/").raise_for_status().json()


async def test_the_python_client_opens_sessions_with_all_it_has(way: str, server: Server, sandbox: str) -> None:
    with merchant(server.url, sandbox) as api:
        sell_monthly(api)
    client = Client(way, server.url, sandbox, "checkout")
    metadata = {"orderRef": "A", "order_ref": "B", "nested": {"aB": [1, 2.5, None]}}
    made = await client(
        "create_session", **MONTHLY, customerId="ada", ipAddress="103.154.35.20", trialPeriod=7, currencyCode="USD",
        customAmount=29.99, taxBehavior="EXCLUSIVE", discountsEnabled=False, lockEmail=True, defaultBillingCountry="DE",
        metadata=metadata,
    )  # fmt: skip
    session = opened(server, sandbox, made.checkoutUrl, made.checkoutSessionId)
    assert (session["metadata"], session["trialPeriod"]) == (metadata, 7)
    assert (session["data"]["customAmount"], session["data"]["discountsEnabled"]) == ("29.99", False)
    seats = [{"identifier": "seats", "quantity": 8}]
    made = await client("create_session", **{**MONTHLY, "planIdentifier": "seated"}, features=seats)
    assert opened(server, sandbox, made.checkoutUrl, made.checkoutSessionId)["selectedData"]["features"] == seats
    with pytest.raises(InvalidRequestError, match="no such plan"):
        await client("create_session", **{**MONTHLY, "planIdentifier": "none"})
    await client.close()


def test_the_node_client_opens_sessions_with_all_it_has(installed: None, server: Server) -> None:
    keys = json.loads(server.command("org", "create", "Node checkout"))["sandbox"]
    with merchant(server.url, keys["serverKey"]) as api:
        sell_monthly(api)
    report = report_of("checkout.mjs", {"url": server.url, **keys})
    for name in ("whole", "seated", "browser"):
        made = report[name]
        session = opened(server, keys["serverKey"], made["checkoutUrl"], made["checkoutSessionId"])
        if name == "whole":
            assert session["metadata"] == report["metadata"]
            assert session["data"]["customAmount"] == "29.99"
        if name == "seated":
            assert session["selectedData"]["features"] == [{"identifier": "seats", "quantity": 8}]
    assert report["refused"]["kind"] == "InvalidRequestError"
