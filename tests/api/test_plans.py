"""Plans in versions: draft, publish, discard, archive, restore."""

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette

from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.records import Rollout
from kelviq_server.platform.database import reading
from tests.api.catalog import charge, entry, feature, grant, granted, plan, price, product, publish, set_prices
from tests.api.conftest import Client, client_for
from tests.make import Made

PRO = "/catalog/plans/pro/"


async def versions(api: Client, identifier: str = "pro") -> list[tuple[int, bool]]:
    answer = (await api.get(f"/catalog/plans/{identifier}/versions/")).json()
    assert answer["count"] == len(answer["results"])
    return [(version["version"], version["isLatest"]) for version in answer["results"]]


async def test_a_new_plan_is_a_draft(api: Client) -> None:
    suite = await product(api)
    sent = {
        "description": "For teams", "metadata": {"a": 1}, "isVisible": False, "ordering": 3,
        "links": [{"name": "Discord", "url": "https://discord.gg/x"}],
    }  # fmt: skip
    made = await plan(api, product_id=suite["id"], license={"enabled": True, "activationLimit": 3}, **sent)
    assert {name: made[name] for name in sent} == sent
    assert made["license"] == {
        "enabled": True, "activationLimit": 3, "activationLimitEnabled": False,
        "durationUnit": "YEAR", "durationValue": 1, "hasExpiry": False,
    }  # fmt: skip
    assert (made["version"], made["isLatest"], made["product"], made["files"]) == (1, False, suite["id"], [])
    assert (await api.get(PRO)).json() == made
    assert (await api.get("/catalog/plans/")).json()["results"] == [made]
    assert (await api.get(f"/catalog/products/{suite['id']}/")).json()["plans"] == []


async def test_editing_a_published_plan_opens_the_next_version_as_a_copy(api: Client) -> None:
    calls = await feature(api)
    await plan(api, links=[{"name": "Discord", "url": "https://discord.gg/x"}])
    await grant(api, "pro", (calls, {"value": 1000}))
    await set_prices(api, "pro")
    await publish(api)
    before = (await api.get(PRO)).json()
    draft = (await api.patch(PRO, {"name": "Pro v2"})).json()
    assert (draft["version"], draft["isLatest"], draft["name"]) == (2, False, "Pro v2")
    assert draft["links"] == before["links"]
    assert (await granted(api, "pro"))["api-calls"]["value"] == 1000
    copied = (await api.get(PRO + "prices/")).json()["results"]
    original = (await api.get(PRO + "prices/", params={"version": 1})).json()["results"]
    assert [{**one, "id": None} for one in copied] == [{**one, "id": None} for one in original]
    assert copied[0]["id"] != original[0]["id"]
    # Every further edit goes to the same draft, and none touches what is for sale.
    await api.patch(PRO, {"description": "better"})
    await set_prices(api, "pro", price(entry(charge(amount=59))))
    assert await versions(api) == [(2, False), (1, True)]
    assert (await api.get(PRO, params={"version": 1})).json() == before
    assert (await api.get(PRO + "prices/", params={"version": 1})).json()["results"] == original


async def test_an_edit_that_changes_nothing_opens_no_draft(api: Client) -> None:
    calls = await feature(api)
    await plan(api, links=[{"name": "Discord", "url": "https://discord.gg/x"}])
    await grant(api, "pro", (calls, {"value": 1000}))
    prices = await set_prices(api, "pro")
    await publish(api)
    before = (await api.get(PRO)).json()
    for body in ({}, {"name": before["name"], "license": before["license"], "links": before["links"], "nonsense": 1}):
        assert (await api.patch(PRO, body)).json() == before
    assert await set_prices(api, "pro", *prices) == prices
    details = (await granted(api, "pro"))["api-calls"]
    assert (await api.patch(PRO + "features/api-calls/", {"details": details})).status_code == 200
    body = {"planEntitlements": [{"feature": calls["id"], "details": details}]}
    assert (await api.request("PUT", PRO + "features/", json=body)).json() == before
    assert await versions(api) == [(1, True)]


async def test_publishing_puts_the_draft_on_sale_instead(api: Client) -> None:
    suite = await product(api)
    await plan(api, product_id=suite["id"])
    await set_prices(api, "pro")
    await publish(api)
    assert (await api.get(f"/catalog/products/{suite['id']}/")).json()["plans"] == ["pro"]
    await api.patch(PRO, {"name": "Second"})
    assert (await api.get(PRO)).json()["isLatest"] is False
    await publish(api)
    assert await versions(api) == [(2, True), (1, False)]
    again = await api.post(PRO + "publish/")
    assert (again.status_code, again.json()) == (
        400,
        {"detail": "The latest version of the plan is published already."},
    )


@pytest.mark.parametrize(
    ("prices", "detail"),
    [
        ([], "The plan has no price; set one before it is published."),
        ([{"priceType": "PAID", "currency": "EUR"}], "The price in EUR is paid, but has no charges."),
    ],
)
async def test_a_plan_without_a_price_is_not_published(api: Client, prices: list[dict[str, Any]], detail: str) -> None:
    await plan(api)
    if prices:
        await set_prices(api, "pro", *prices)
    answer = await api.post(PRO + "publish/", {})
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert await versions(api) == [(1, False)]


async def test_a_currency_once_sold_in_stays(api: Client) -> None:
    await plan(api)
    await set_prices(api, "pro", price(), price(currency="EUR"), price(currency="INR"))
    await publish(api)
    await set_prices(api, "pro", price())
    answer = await api.post(PRO + "publish/", {})
    detail = "The published version has a price in EUR, INR; this one has none."
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    await set_prices(api, "pro", price(), price(currency="INR"), price(currency="EUR"), price(currency="JPY"))
    await publish(api)


async def test_nothing_paid_is_published_where_nothing_can_be_paid(app: Starlette, made: Made) -> None:
    production = client_for(app, made.keys.production.server.plain)
    suite = await product(production)
    await plan(production, product_id=suite["id"])
    await set_prices(production, "pro")
    answer = await production.post(PRO + "publish/", {})
    assert answer.status_code == 428
    assert "No payment gateway" in answer.json()["detail"]
    await plan(production, "free", suite["id"])
    await set_prices(production, "free", {"priceType": "FREE"})
    await publish(production, "free")


async def test_what_publishing_promised_to_customers_is_recorded(api: Client, made: Made) -> None:
    await plan(api)
    await set_prices(api, "pro")
    # Nobody can have bought an earlier version.
    await publish(api, updateFeatures=True)
    rollouts: list[dict[str, Any]] = [{}, {"updateFeatures": True}, {"update_pricing": True}]
    for name, rollout in zip("234", rollouts, strict=True):
        await api.patch(PRO, {"name": name})
        await publish(api, **rollout)
    async with reading(made.sandbox) as tx:
        recorded = await tx.value(
            "SELECT json_agg(json_build_array(version, update_features, update_pricing) ORDER BY version)"
            " FROM plan_migrations AS m JOIN plan_versions AS v ON v.tenant_id = m.tenant_id AND v.id = to_version_id"
            " WHERE m.tenant_id = %s",
            (tx.tenant_id,),
        )
    assert recorded == [[3, True, False], [4, False, True]]


async def test_of_many_who_publish_at_once_one_does(api: Client, made: Made) -> None:
    await plan(api)
    await set_prices(api, "pro")
    await publish(api)
    await api.patch(PRO, {"name": "Second"})
    outcomes = await asyncio.gather(
        *(publish_plan(made.sandbox, "pro", Rollout(update_features=True)) for _ in range(8)), return_exceptions=True
    )
    assert [type(outcome).__name__ for outcome in outcomes if outcome].count("PlanPublished") == 7
    assert await versions(api) == [(2, True), (1, False)]


async def test_of_many_who_edit_at_once_all_write_to_one_draft(api: Client) -> None:
    await plan(api)
    await set_prices(api, "pro")
    await publish(api)
    bodies = [{"name": "N"}, {"description": "D"}, {"ordering": 5}, {"isVisible": False}, {"metadata": {"a": 1}}]
    await asyncio.gather(*(api.patch(PRO, body) for body in bodies))
    assert await versions(api) == [(2, False), (1, True)]
    draft = (await api.get(PRO)).json()
    assert (draft["name"], draft["description"], draft["ordering"], draft["isVisible"]) == ("N", "D", 5, False)


async def test_discarding_leaves_what_is_for_sale(api: Client) -> None:
    await plan(api)
    await set_prices(api, "pro")
    await publish(api)
    before = (await api.get(PRO)).json()
    await api.patch(PRO, {"name": "Worse"})
    assert (await api.delete(PRO + "discard/")).status_code == 204
    assert (await api.get(PRO)).json() == before
    assert (await api.delete(PRO + "discard/")).status_code == 400
    assert (await api.patch(PRO, {"name": "Better"})).json()["version"] == 2


async def test_discarding_a_plan_that_was_never_published_frees_its_identifier(api: Client) -> None:
    suite = await product(api)
    await plan(api, product_id=suite["id"])
    assert (await api.delete(PRO + "discard/")).status_code == 204
    assert (await api.get(PRO)).status_code == 404
    await plan(api, product_id=suite["id"])


async def test_an_archived_plan_is_out_of_the_list_and_stands_still_until_it_is_restored(api: Client) -> None:
    await plan(api)
    await set_prices(api, "pro")
    await publish(api)
    assert (await api.delete(PRO)).status_code == 204
    assert (await api.get("/catalog/plans/")).json()["count"] == 0
    assert (await api.get(PRO)).json()["isArchived"] is True
    calls = await feature(api)
    entitlements = {"planEntitlements": [{"feature": calls["id"], "details": {"value": 1}}]}
    refused = [
        await api.delete(PRO),
        await api.patch(PRO, {"name": "x"}),
        await api.post(PRO + "publish/", {}),
        await api.post(PRO + "prices/bulk/", {"prices": []}),
        await api.post(PRO + "features/", entitlements),
        await api.request("PUT", PRO + "features/", json=entitlements),
    ]
    assert {(answer.status_code, answer.json()["detail"]) for answer in refused} == {(400, "The plan is archived.")}
    restored = await api.post(PRO + "restore/")
    assert (restored.status_code, restored.json()["isArchived"]) == (200, False)
    assert (await api.get("/catalog/plans/")).json()["count"] == 1


async def test_plans_of_an_archived_product_are_out_of_the_list(api: Client) -> None:
    suite = await product(api)
    await plan(api, product_id=suite["id"])
    await api.delete(f"/catalog/products/{suite['id']}/")
    assert (await api.get("/catalog/plans/")).json()["count"] == 0
    assert (await api.patch(PRO, {"name": "x"})).status_code == 400
    refused = await api.post("/catalog/plans/", {"name": "Other", "product": suite["id"]})
    assert list(refused.json()) == ["product"]


async def test_restoring_drops_the_draft_or_copies_an_earlier_version(api: Client) -> None:
    await plan(api)
    await set_prices(api, "pro")
    await publish(api)
    nothing = await api.post(PRO + "restore/", {})
    assert nothing.status_code == 400
    await api.patch(PRO, {"name": "Second"})
    await publish(api)
    await api.patch(PRO, {"name": "Third"})
    assert (await api.post(PRO + "restore/", {})).json()["name"] == "Second"
    assert await versions(api) == [(2, True), (1, False)]
    await api.patch(PRO, {"name": "Third"})
    earlier = (await api.post(PRO + "restore/", {"version": 1})).json()
    assert (earlier["version"], earlier["name"], earlier["isLatest"]) == (3, "Pro", False)
    assert (await api.get(PRO + "prices/")).json()["count"] == 1
    assert (await api.post(PRO + "restore/", {"version": 9})).status_code == 404


async def test_a_version_can_be_asked_for_but_only_the_newest_edited(api: Client) -> None:
    await plan(api)
    await set_prices(api, "pro")
    await publish(api)
    await api.patch(PRO, {"name": "Second"})
    await publish(api)
    assert (await api.get(PRO, params={"version": 1})).json()["name"] == "Pro"
    for unknown in ("3", "0", "x", "-1"):
        assert (await api.get(PRO, params={"version": unknown})).status_code == 404
    fixed = await api.patch(PRO, {"name": "x"}, params={"version": 1})
    assert (fixed.status_code, "never changes" in fixed.json()["detail"]) == (400, True)
    assert (await api.patch(PRO, {"name": "Third"}, params={"version": 2})).json()["version"] == 3
    assert (await api.patch(PRO, {"name": "Fourth"}, params={"version": 3})).json()["version"] == 3
    assert (await api.patch(PRO, {"name": "x"}, params={"version": 9})).status_code == 404


async def test_the_list_brings_prices_and_entitlements_where_wanted(api: Client) -> None:
    calls, suite = await feature(api), await product(api)
    for name in ("a", "b"):
        await plan(api, name, suite["id"])
        await grant(api, name, (calls, {"value": 5}))
        await set_prices(api, name)
    plain = (await api.get("/catalog/plans/")).json()["results"]
    assert [entry["identifier"] for entry in plain] == ["b", "a"]
    assert "prices" not in plain[0]
    whole = (await api.get("/catalog/plans/", params={"include": "prices,entitlements"})).json()["results"]
    for one in whole:
        path = f"/catalog/plans/{one['identifier']}/"
        assert one["prices"] == (await api.get(path + "prices/")).json()["results"]
        assert one["planEntitlements"] == (await api.get(path + "features/")).json()["results"]
        assert (await api.get(path, params={"include": "prices,entitlements"})).json() == one


async def test_an_identifier_names_one_plan_of_its_environment(api: Client) -> None:
    suite = await product(api)
    await plan(api, product_id=suite["id"])
    taken = await api.post("/catalog/plans/", {"name": "Pro", "identifier": "pro", "product": suite["id"]})
    assert (taken.status_code, taken.json()) == (400, {"identifier": ["A plan with this identifier already exists."]})
    named = [
        (await api.post("/catalog/plans/", {"name": "Pro", "product": suite["id"]})).json()["identifier"]
        for _ in range(2)
    ]
    assert named == ["pro-2", "pro-3"]
    both = await asyncio.gather(
        *(api.post("/catalog/plans/", {"name": "Team", "product": suite["id"]}) for _ in range(5))
    )
    assert sorted(answer.json()["identifier"] for answer in both) == ["team", *(f"team-{n}" for n in range(2, 6))]


async def test_a_name_never_makes_an_identifier_that_somebody_just_took(api: Client) -> None:
    for number in range(8):
        sent = {"name": f"Suite {number}", "taxCode": "saas"}
        answers = await asyncio.gather(
            *(api.post("/catalog/products/", sent) for _ in range(3)),
            api.post("/catalog/products/", {**sent, "identifier": f"suite-{number}"}),
        )
        assert [answer.status_code for answer in answers[:3]] == [201] * 3


async def test_what_is_restored_under_an_archived_product_stays_archived(api: Client) -> None:
    suite = await product(api)
    await plan(api, product_id=suite["id"])
    await api.delete(PRO)
    await api.delete(f"/catalog/products/{suite['id']}/")
    refused = await api.post(PRO + "restore/", {})
    assert (refused.status_code, (await api.get(PRO)).json()["isArchived"]) == (400, True)
