"""A customer's business tax id: checked against its country, and shown among the details."""

import json
from pathlib import Path
from typing import Any

import pytest

from kelviq_server.customers import store
from kelviq_server.customers.actions.export_customers import export_customers
from kelviq_server.customers.actions.import_customers import import_customers
from kelviq_server.customers.steps import buyer_of
from kelviq_server.platform.database import reading
from kelviq_server.taxes.records import Buyer
from tests import make
from tests.api.conftest import Client
from tests.make import Made

ADA = "/customers/ada/"
INVALID = {"taxId": ["Enter a valid business tax id."]}
GERMAN, FRENCH, SWISS = "DE136695976", "FR40303265045", "CHE107787577IVA"


async def create(api: Client, **fields: Any) -> dict[str, Any]:
    answer = await api.post("/customers/", {"customerId": "ada", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _read(file: Path) -> str:
    return file.read_text()


async def test_a_tax_id_is_kept_as_its_country_writes_it(api: Client, made: Made) -> None:
    created = await create(api, taxId=" de 136.695.976 ", billingAddress={"country": "DE", "state": "Berlin"})
    assert created["details"] == {"taxId": GERMAN}
    assert "taxId" not in created
    assert (await api.get(ADA)).json() == created
    async with reading(made.sandbox) as tx:
        customer = await store.get_customer(tx, "ada")
    assert buyer_of(customer) == Buyer("DE", "Berlin", GERMAN)
    [announced] = await make.events(made.sandbox)
    assert announced["data"]["object"]["details"] == {"taxId": GERMAN}


@pytest.mark.parametrize(
    "body",
    [
        {"taxId": "DE136695977"},
        {"taxId": GERMAN, "billingAddress": {"country": "FR"}},
        {"taxId": SWISS},
        {"taxId": GERMAN, "billingAddress": {"country": "US"}},
    ],
)
async def test_an_id_that_is_none_of_the_customers_country_is_refused(api: Client, body: dict[str, Any]) -> None:
    answer = await api.post("/customers/", {"customerId": "ada", **body})
    assert (answer.status_code, answer.json()) == (400, INVALID)
    created = await create(api)
    answer = await api.patch(ADA, {"name": "Ada", **body})
    assert (answer.status_code, answer.json()) == (400, INVALID)
    assert (await api.get(ADA)).json() == created


async def test_a_change_is_announced_with_the_details_as_they_were(api: Client, made: Made) -> None:
    await create(api, billingAddress={"country": "DE"})
    changed = (await api.patch(ADA, {"taxId": GERMAN})).json()
    assert changed["details"] == {"taxId": GERMAN}
    assert (await api.patch(ADA, {"taxId": "136695976"})).json() == changed, "nothing new"
    assert (await api.patch(ADA, {"taxId": None})).json()["details"] == {}
    _, first, second = [event["data"] for event in await make.events(made.sandbox)]
    assert first["previous_attributes"] == {"details": {}}
    assert (second["object"]["details"], second["previous_attributes"]) == ({}, {"details": {"taxId": GERMAN}})


async def test_an_id_is_checked_against_the_address_that_is_sent_with_it(api: Client) -> None:
    await create(api, taxId=GERMAN)
    moved = (await api.patch(ADA, {"taxId": SWISS, "billingAddress": {"country": "CH"}})).json()
    assert moved["details"] == {"taxId": SWISS}


async def test_an_id_goes_when_the_customer_moves_to_a_country_it_is_not_of(api: Client, made: Made) -> None:
    await create(api, taxId=GERMAN, billingAddress={"country": "DE"})
    for address in ({"country": "DE", "city": "Bonn"}, None, {"city": "Bonn"}):
        assert (await api.patch(ADA, {"billingAddress": address})).json()["details"] == {"taxId": GERMAN}
    assert (await api.patch(ADA, {"billingAddress": {"country": "FR"}})).json()["details"] == {}
    last = (await make.events(made.sandbox))[-1]
    assert last["data"]["previous_attributes"]["details"] == {"taxId": GERMAN}


@pytest.mark.parametrize("name", ["customers.csv", "customers.jsonl"])
async def test_what_was_exported_can_be_imported(made: Made, tmp_path: Path, api: Client, name: str) -> None:
    await create(api, taxId=GERMAN, billingAddress={"country": "DE"}, name="Ada")
    file = tmp_path / name
    await export_customers(made.sandbox, file, lambda _: None)
    again = await import_customers(made.sandbox, file, lambda _: None)
    assert (again.added, again.unchanged, again.rejected) == (0, 1, 0)
    elsewhere = await import_customers(made.production, file, lambda _: None)
    assert elsewhere.added == 1
    async with reading(made.production) as tx:
        assert (await store.get_customer(tx, "ada")).tax_id == GERMAN
    await api.patch(ADA, {"taxId": None})
    assert (await import_customers(made.sandbox, file, lambda _: None)).rejected == 1


async def test_a_line_with_a_wrong_id_is_rejected_by_its_field(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "new.jsonl"
    file.write_text('{"customerId": "a", "taxId": "DE1"}\n{"customerId": "b", "details": {"taxId": 5}}\n')
    outcome = await import_customers(made.sandbox, file, lambda _: None)
    assert (outcome.added, outcome.rejected) == (0, 2)
    rejected = [json.loads(line)["reason"] for line in _read(tmp_path / "new.jsonl.rejected").splitlines()]
    assert rejected == [INVALID, {"taxId": ["Not a valid string."]}]
