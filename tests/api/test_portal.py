"""A customer is let into their portal for a day, and sees what they have, what came with it, and what they paid."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.platform.vault import current_vault
from kelviq_server.portal import rules
from kelviq_server.portal.steps import PURPOSE
from tests import make
from tests.api import catalog, licenses, money
from tests.api import subscriptions as subs
from tests.api.buying import tab
from tests.api.conftest import Client
from tests.make import Made

NOW = datetime.now(UTC)


@pytest.fixture
async def ada(api: Client) -> dict[str, Any]:
    """Ada, who bought something once that comes with a licence, a link and a file, and subscribes to something else."""
    await subs.freeze(api)
    await api.patch("/organization/", {"legalName": "Acme Inc."})
    links = [{"name": "Community", "url": "https://example.com/chat"}]
    await catalog.plan(api, "lifetime", license=licenses.THREE_FOR_A_YEAR, links=links)
    await catalog.set_prices(api, "lifetime", catalog.price(catalog.entry(catalog.charge("ONE_TIME", 49))))
    await catalog.publish(api, "lifetime")
    await subs.recurring(api)
    await money.customer(api, email="ada@example.com")
    charge = await money.charged(api)
    await subs.subscribed(api)
    return charge


async def session(api: Client, customer: str = "ada") -> dict[str, Any]:
    answer = await api.post("/portal/session/", {"customerId": customer})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def opened(app: Starlette, address: str) -> httpx.Response:
    """Follow a link in a new browser's window."""
    return await tab(app).http.get(address)


async def test_the_link_opens_what_they_have(app: Starlette, api: Client, ada: dict[str, Any]) -> None:
    link = await session(api)
    assert (link["email"], link["token"][:4]) == ("ada@example.com", "cpt-")
    assert link["customerPortalUrl"].startswith("http://testserver/portal/")
    window = tab(app)
    page = await window.http.get(f"{link['customerPortalUrl']}?token={link['token']}")
    assert page.status_code == 200
    assert str(page.url) == link["customerPortalUrl"], "the token is out of the address"
    for text in (
        "Acme Inc.", "Suite: Lifetime", ada["license"][0]["licenseKey"], "Active on 0 of 3 devices",
        "Expires on January 31, 2032", "Community", "https://example.com/chat", "Suite: Pro",
        "Renews on February 28, 2031", ada["orderId"], "$49.00", "$100.00",
    ):  # fmt: skip
        assert text in page.text, text
    assert (await window.http.get(link["customerPortalUrl"])).status_code == 200, "a reload needs no token"


async def test_the_cookie_is_read_by_no_script_and_sent_to_the_portal_alone(
    app: Starlette, api: Client, ada: dict[str, Any]
) -> None:
    link = await session(api)
    window = tab(app)
    answer = await window.http.get(f"{link['customerPortalUrl']}?token={link['token']}", follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 303
    assert all(text in cookie for text in ("httponly", "samesite=lax", "path=/portal/", "max-age=86400"))
    page = await window.http.get(link["customerPortalUrl"])
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.usefixtures("ada")
async def test_nothing_else_opens_it(app: Starlette, api: Client, made: Made) -> None:
    link = await session(api)
    address, token = link["customerPortalUrl"], link["token"]
    victim = await make.organization()
    key = current_vault().derive(PURPOSE)
    forged = rules.token_of(b"another key", made.sandbox.id or 0, uuid4(), "ada@example.com", NOW + timedelta(days=1))
    nobody = rules.token_of(key, made.sandbox.id or 0, uuid4(), "ada@example.com", NOW + timedelta(days=1))
    for wrong in (
        "",
        "nothing",
        "cpt-",
        "cpt-x:y",
        token[:-1],
        token.replace("cpt-", "cpt-A"),
        forged,
        nobody,
        "cpt-é:1",
    ):
        page = await opened(app, f"{address}?token={wrong}")
        assert (page.status_code, "does not open the page any more" in page.text) == (403, True), wrong
    assert (await opened(app, f"/portal/{victim.organization.slug}/?token={token}")).status_code == 403
    assert (await opened(app, address)).status_code == 403


@pytest.mark.usefixtures("ada")
async def test_it_is_over_with_the_day_the_address_or_the_customer(app: Starlette, api: Client, made: Made) -> None:
    link = await session(api)
    address = f"{link['customerPortalUrl']}?token={link['token']}"
    assert rules.read_token(current_vault().derive(PURPOSE), link["token"], NOW + timedelta(hours=23)) is not None
    assert rules.read_token(current_vault().derive(PURPOSE), link["token"], NOW + timedelta(hours=25)) is None
    await api.patch("/customers/ada/", {"email": "lovelace@example.com"})
    assert (await opened(app, address)).status_code == 403
    await api.patch("/customers/ada/", {"email": "ada@example.com"})
    assert (await opened(app, address)).status_code == 200


async def test_who_is_archived_is_let_in_no_more(app: Starlette, api: Client) -> None:
    await money.customer(api, email="ada@example.com")
    link = await session(api)
    address = f"{link['customerPortalUrl']}?token={link['token']}"
    page = await opened(app, address)
    assert (page.status_code, "You have nothing from" in page.text) == (200, True)
    await api.delete("/customers/ada/")
    assert (await opened(app, address)).status_code == 403


async def test_whose_it_would_be_is_said(api: Client) -> None:
    await money.customer(api, None)
    for customer, reason in (("nobody", "Invalid customer id"), ("ada", "Customer does not have an email")):
        answer = await api.post("/portal/session/", {"customerId": customer})
        assert (answer.status_code, answer.json()) == (400, {"customerId": [reason]})
    assert (await api.post("/portal/session/", {})).json() == {"customerId": ["This field is required."]}
