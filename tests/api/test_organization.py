"""The organization's details, as documents will copy them."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette

from kelviq_server.platform.database import reading
from kelviq_server.tenants.steps import get_seller
from tests.api.conftest import Client, client_for
from tests.make import Made
from tests.statements import counting

PATH = "/organization/"
ADDRESS = {"country": "DE", "line1": "Hauptstr. 1", "city": "Berlin"}
DETAILS: dict[str, Any] = {
    "legalName": "Acme GmbH",
    "email": "billing@acme.example.com",
    "billingAddress": ADDRESS,
    "taxId": "DE136695976",
    "timeZone": "Europe/Berlin",
    "lowersPriceForBusinesses": True,
}


async def test_before_anything_is_said_a_seller_is_called_as_its_organization(api: Client, made: Made) -> None:
    organization = made.organization
    assert (await api.get(PATH)).json() == {
        "organizationId": organization.id, "identifier": str(organization.identifier), "name": organization.name,
        "slug": organization.slug, "environment": "sandbox", "legalName": organization.name, "email": None,
        "billingAddress": None, "taxId": None, "timeZone": "UTC", "lowersPriceForBusinesses": False,
    }  # fmt: skip


async def test_details_read_as_they_were_written_and_each_environment_has_its_own(
    app: Starlette, api: Client, made: Made
) -> None:
    before = (await api.get(PATH)).json()
    changed = await api.patch(PATH, DETAILS)
    assert (changed.status_code, changed.json()) == (200, {**before, **DETAILS})
    assert (await api.get(PATH)).json() == changed.json()
    production = client_for(app, made.keys.production.server.plain)
    assert (await production.get(PATH)).json() == {**before, "environment": "production"}


async def test_only_what_was_sent_changes_and_null_takes_back(api: Client, made: Made) -> None:
    before = (await api.patch(PATH, DETAILS)).json()
    assert (await api.patch(PATH, {"time_zone": "Asia/Tokyo"})).json() == {**before, "timeZone": "Asia/Tokyo"}
    emptied = {"legalName": None, "email": None, "billingAddress": None, "taxId": ""}
    answer = (await api.patch(PATH, emptied)).json()
    assert answer == {
        **before, "timeZone": "Asia/Tokyo", "email": None, "billingAddress": None, "taxId": None,
        "legalName": made.organization.name,
    }  # fmt: skip
    assert (await api.patch(PATH, {"name": "Other", "slug": "other"})).json() == answer


async def test_of_changes_that_come_at_once_none_is_lost(api: Client) -> None:
    await asyncio.gather(*(api.patch(PATH, {name: value}) for name, value in DETAILS.items()))
    answer = (await api.get(PATH)).json()
    assert {name: answer[name] for name in DETAILS} == DETAILS


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"legalName": " "}, {"legalName": ["This field may not be blank."]}),
        ({"email": "acme"}, {"email": ["Enter a valid email address."]}),
        ({"billingAddress": {"country": "XX"}}, {"billingAddress": {"country": ['"XX" is not a valid choice.']}}),
        ({"taxId": "1" * 65}, {"taxId": ["Ensure this field has no more than 64 characters."]}),
        ({"timeZone": "Mars/Olympus"}, {"timeZone": ['"Mars/Olympus" is not a valid choice.']}),
        ({"timeZone": "../../etc/passwd"}, {"timeZone": ['"../../etc/passwd" is not a valid choice.']}),
        ({"timeZone": None}, {"timeZone": ["This field may not be null."]}),
        ({"lowersPriceForBusinesses": "yes"}, {"lowersPriceForBusinesses": ["Must be a valid boolean."]}),
    ],
)
async def test_a_fault_names_its_field_and_changes_nothing(
    api: Client, body: dict[str, Any], faults: dict[str, Any]
) -> None:
    answer = await api.patch(PATH, {**DETAILS, **body})
    assert (answer.status_code, answer.json()) == (400, faults)
    assert (await api.get(PATH)).json()["taxId"] is None


async def test_a_client_key_does_not_reach_it(app: Starlette, made: Made) -> None:
    browser = client_for(app, made.keys.sandbox.client.plain)
    assert (await browser.get(PATH)).status_code == 403
    assert (await browser.patch(PATH, DETAILS)).status_code == 403


async def test_a_seller_is_read_in_one_statement(api: Client, made: Made) -> None:
    await api.patch(PATH, DETAILS)
    async with counting() as statements, reading(made.sandbox) as tx:
        seller = await get_seller(tx)
        assert len(statements) == 1
    assert (seller.country, seller.time_zone, seller.legal_name) == ("DE", "Europe/Berlin", "Acme GmbH")
