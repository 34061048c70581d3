"""The customer operations answer as published."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from kelviq_server.customers import steps
from kelviq_server.platform.database import reading, transaction
from tests import make
from tests.api.conftest import Client
from tests.make import Made

FULL: dict[str, Any] = {
    "customerId": "geo-jacob",
    "name": "Geo Jacob",
    "email": "geo@example.com",
    "metadata": {"source": "sdk_import", "camelCase": {"snake_case": [1, 2.50, None]}},
    "billingAddress": {"country": "in", "line1": "123 Main Street", "line2": None, "postalCode": "560001"},
}


async def test_a_created_customer_is_listed_and_retrieved(api: Client) -> None:
    created = await api.post("/customers/", FULL)
    assert created.status_code == 201
    listed = (await api.get("/customers/")).json()
    assert listed == {"count": 1, "next": None, "previous": None, "results": [created.json()]}
    assert (await api.get("/customers/geo-jacob/")).json() == created.json()


async def test_a_customer_reads_as_it_was_written(api: Client) -> None:
    created = (await api.post("/customers/", FULL)).json()
    assert UUID(created.pop("id")).version == 7
    assert created.pop("createdOn") == created.pop("modifiedOn")
    address = {**FULL["billingAddress"], "country": "IN"}
    assert created == {**FULL, "billingAddress": address, "details": {}}


async def test_what_is_not_sent_is_empty(api: Client) -> None:
    created = (await api.post("/customers/", {"customerId": "x"})).json()
    assert (created["name"], created["email"], created["metadata"], created["billingAddress"]) == (None, None, {}, None)


async def test_snake_case_is_read_at_every_level(api: Client) -> None:
    body = {"customer_id": "x", "billing_address": {"postal_code": "1"}, "metadata": {"a_b": 1, "aB": 2}}
    created = (await api.post("/customers/", body)).json()
    assert created["customerId"] == "x"
    assert created["billingAddress"] == {"postalCode": "1"}
    assert created["metadata"] == {"a_b": 1, "aB": 2}


async def test_instants_have_microseconds_and_a_z(api: Client) -> None:
    created = (await api.post("/customers/", FULL)).json()["createdOn"]
    assert datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%f%z").utcoffset() is not None
    assert len(created) == len("2025-06-04T06:03:30.195790Z")


async def test_an_id_is_taken_for_ever(api: Client) -> None:
    taken = {"customerId": ["Customer already exists."]}
    await api.post("/customers/", FULL)
    again = await api.post("/customers/", FULL)
    assert (again.status_code, again.json()) == (400, taken)
    await api.delete("/customers/geo-jacob/")
    again = await api.post("/customers/", FULL)
    assert (again.status_code, again.json()) == (400, taken)


async def test_several_customers_may_share_an_email(api: Client) -> None:
    for external_id in ("a", "b"):
        assert (await api.post("/customers/", {**FULL, "customerId": external_id})).status_code == 201


async def test_an_update_changes_only_what_is_sent(api: Client) -> None:
    created = (await api.post("/customers/", FULL)).json()
    changed = (await api.patch("/customers/geo-jacob/", {"name": "Geo", "customerId": "other", "unknown": 1})).json()
    assert changed["modifiedOn"] > created["modifiedOn"]
    assert changed == {**created, "name": "Geo", "modifiedOn": changed["modifiedOn"]}


async def test_metadata_and_address_are_replaced_whole(api: Client) -> None:
    await api.post("/customers/", FULL)
    body = {"metadata": {"new": "1"}, "billingAddress": {"city": "Pune"}}
    changed = (await api.patch("/customers/geo-jacob/", body)).json()
    assert (changed["metadata"], changed["billingAddress"]) == ({"new": "1"}, {"city": "Pune"})
    changed = (await api.patch("/customers/geo-jacob/", {"metadata": None, "billingAddress": None})).json()
    assert (changed["metadata"], changed["billingAddress"]) == (None, None)


async def test_an_update_that_changes_nothing_leaves_no_trace(api: Client, made: Made) -> None:
    created = (await api.post("/customers/", FULL)).json()
    for body in ({}, FULL, {"name": FULL["name"]}):
        assert (await api.patch("/customers/geo-jacob/", body)).json() == created
    assert [event["type"] for event in await make.events(made.sandbox)] == ["customer.created"]


async def test_an_archived_customer_is_gone_from_everywhere(api: Client) -> None:
    await api.post("/customers/", FULL)
    archived = await api.delete("/customers/geo-jacob/")
    assert (archived.status_code, archived.content) == (204, b"")
    for answer in (
        await api.get("/customers/geo-jacob/"),
        await api.patch("/customers/geo-jacob/", {"name": "x"}),
        await api.delete("/customers/geo-jacob/"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    assert (await api.get("/customers/")).json()["count"] == 0
    assert (await api.get("/customers/?search=geo")).json()["count"] == 0


async def test_a_customer_with_a_subscription_cannot_be_archived(api: Client, made: Made) -> None:
    customer = await make.customer(made.sandbox, external_id="payer")
    async with transaction(made.sandbox) as tx:
        await steps.count_subscription(tx, customer.id, +1)
    refused = await api.delete("/customers/payer/")
    assert refused.status_code == 400
    assert "subscription" in refused.json()["detail"]
    async with transaction(made.sandbox) as tx:
        await steps.count_subscription(tx, customer.id, -1)
    assert (await api.delete("/customers/payer/")).status_code == 204


async def test_what_happens_is_announced(api: Client, made: Made) -> None:
    await api.post("/customers/", FULL)
    await api.patch("/customers/geo-jacob/", {"name": "Geo"})
    created, updated = await make.events(made.sandbox)
    assert (created["type"], updated["type"]) == ("customer.created", "customer.updated")
    assert created["data"]["object"]["customer_id"] == "geo-jacob"
    assert created["data"]["object"]["organization"] == str(made.organization.identifier)
    assert updated["data"]["object"]["name"] == "Geo"
    assert updated["data"]["previous_attributes"] == {"name": "Geo Jacob"}


@pytest.mark.parametrize(
    "external_id", ["ünï cödé", "a@b.example", "100%", "a?b#c", "..x", "日本", "😀", "a+b", "%2F", "x" * 255, '"q"']
)
async def test_any_id_can_be_addressed(api: Client, external_id: str) -> None:
    created = await api.post("/customers/", {"customerId": external_id})
    assert created.status_code == 201
    assert (await api.get(f"/customers/{quote(external_id, safe='')}/")).json() == created.json()


async def test_surrounding_white_space_is_taken_off(api: Client) -> None:
    created = (await api.post("/customers/", {"customerId": "  x ", "name": " Ada ", "email": " a@b.co "})).json()
    assert (created["customerId"], created["name"], created["email"]) == ("x", "Ada", "a@b.co")


async def test_a_sandbox_customer_has_the_sandbox_clock(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, datetime.fromisoformat("2030-01-31T00:00:00+00:00"))
    created = (await api.post("/customers/", FULL)).json()
    assert created["createdOn"] == "2030-01-31T00:00:00.000000Z"
    async with reading(made.sandbox) as tx:
        assert tx.tenant.has_own_clock
