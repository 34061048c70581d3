"""Products and their settings; their images: test_media.py."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.catalog import plan, product, publish, set_prices
from tests.api.conftest import Client


async def test_a_product_comes_back_as_it_was_made(api: Client) -> None:
    body = {"name": "ParityDeals", "description": "Deals", "identifier": "parity-deals", "taxCode": "saas"}
    made = await product(api, **body)
    assert {name: made[name] for name in body} == body
    assert (made["images"], made["files"], made["isArchived"]) == ([], [], False)
    path = f"/catalog/products/{made['id']}/"
    assert (await api.get(path)).json() == {**made, "plans": []}
    assert (await api.get("/catalog/products/")).json()["results"] == [made]


async def test_without_an_identifier_the_name_makes_one_that_is_free(api: Client) -> None:
    assert [(await product(api, name="Pro Suite!"))["identifier"] for _ in range(2)] == ["pro-suite", "pro-suite-2"]
    taken = await api.post("/catalog/products/", {"name": "x", "identifier": "pro-suite", "taxCode": "saas"})
    assert taken.json() == {"identifier": ["A product with this identifier already exists."]}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"taxCode": None}, {"taxCode": ["This field may not be null."]}),
        ({"taxCode": "food"}, {"taxCode": ['"food" is not a valid choice.']}),
        ({"name": ""}, {"name": ["This field may not be blank."]}),
        ({"name": "x" * 256}, {"name": ["Ensure this field has no more than 255 characters."]}),
        ({"imageKeys": "tmp/x"}, {"imageKeys": ['Expected a list of items but got type "str".']}),
        ({"imageKeys": [1]}, {"imageKeys": ["imageKeys[0]: Not a valid string."]}),
        ({"imageKeys": ["tmp/never/was.png"]},
         {"imageKeys": ["imageKeys[0]: There is no such upload, or it was attached already."]}),
    ],
)  # fmt: skip
async def test_what_is_no_product_is_refused_by_field(
    api: Client, change: dict[str, Any], errors: dict[str, Any]
) -> None:
    answer = await api.post("/catalog/products/", {"name": "Suite", "taxCode": "saas", **change})
    assert (answer.status_code, answer.json()) == (400, errors)
    assert (await api.get("/catalog/products/")).json()["count"] == 0


async def test_only_what_is_sent_changes(api: Client) -> None:
    made = await product(api, description="Old")
    path = f"/catalog/products/{made['id']}/"
    changed = (await api.patch(path, {"name": "New", "identifier": "other"})).json()
    assert changed == {**made, "name": "New", "modifiedOn": changed["modifiedOn"]}
    assert changed["modifiedOn"] > made["modifiedOn"]
    assert (await api.patch(path, {"name": "New"})).json() == changed
    assert (await api.get("/catalog/products/?search=new")).json()["count"] == 1
    assert (await api.get("/catalog/products/?search=Suite")).json()["count"] == 1, "by its identifier"


async def test_an_archived_product_is_out_of_the_list_and_stands_still(api: Client) -> None:
    made = await product(api)
    path = f"/catalog/products/{made['id']}/"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get("/catalog/products/")).json()["count"] == 0
    assert (await api.get(path)).json()["isArchived"] is True
    refused = [
        await api.delete(path),
        await api.patch(path, {"name": "x"}),
        await api.patch(path + "settings/", {"vpn": False}),
    ]
    assert {answer.text for answer in refused} == {'{"detail":"The product is archived."}'}


async def test_a_product_shows_which_of_its_plans_are_for_sale(api: Client) -> None:
    made, other = await product(api), await product(api)
    for name, of in (("a", made), ("b", made), ("c", other), ("d", made)):
        await plan(api, name, of["id"])
        await set_prices(api, name)
    for name in ("a", "b", "c"):
        await publish(api, name)
    await api.patch("/catalog/plans/a/", {"name": "Edited"})
    await api.delete("/catalog/plans/b/")
    assert (await api.get(f"/catalog/products/{made['id']}/")).json()["plans"] == ["a"]


async def test_settings_are_there_from_the_start_and_change_one_by_one(api: Client) -> None:
    path = f"/catalog/products/{(await product(api))['id']}/settings/"
    defaults = {"vpn": True, "tor": True, "proxy": True, "currency": "USD", "productUrl": None}
    assert (await api.get(path)).json() == defaults
    changed = (await api.patch(path, {"tor": False, "currency": "inr", "productUrl": "https://app.example.com"})).json()
    assert changed == {**defaults, "tor": False, "currency": "INR", "productUrl": "https://app.example.com"}
    assert (await api.get(path)).json() == changed
    for body, field in (
        ({"currency": "ABC"}, "currency"),
        ({"currency": None}, "currency"),
        ({"vpn": "yes"}, "vpn"),
        ({"productUrl": "javascript:alert(1)"}, "productUrl"),
    ):
        refused = await api.patch(path, body)
        assert (refused.status_code, list(refused.json())) == (400, [field])
    assert (await api.get(f"/catalog/products/{uuid4()}/settings/")).status_code == 404
