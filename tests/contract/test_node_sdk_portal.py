"""Portal sessions by the official Node client, unchanged, against a whole server."""

from typing import Any

import httpx
import pytest

from tests.contract.merchant import buyer, merchant
from tests.contract.node_client import report_of
from tests.contract.server import Server


@pytest.fixture(scope="module")
def told(installed: None, server: Server) -> dict[str, Any]:
    """What portal.mjs found."""
    key = server.found("Node portal")
    with merchant(server.url, key) as api:
        buyer(api, "ada")
    return report_of("portal.mjs", {"url": server.url, "serverKey": key})


def test_a_session_opens_the_portal(told: dict[str, Any]) -> None:
    session = told["session"]
    assert session["email"] == "ada@example.com"
    page = httpx.get(f"{session['customerPortalUrl']}?token={session['token']}", follow_redirects=False)
    assert page.status_code == 303
    opened = httpx.get(session["customerPortalUrl"], cookies={"kelviq_portal": session["token"]})
    assert (opened.status_code, "Your purchases" in opened.text) == (200, True)


def test_nobody_has_none(told: dict[str, Any]) -> None:
    assert told["refused"] == {"status": 400, "details": {"customerId": ["Invalid customer id"]}}
