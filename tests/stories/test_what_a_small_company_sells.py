"""A merchant's first weeks with a catalog, over HTTP alone: put it on sale, change a plan, think better of it."""

from collections.abc import AsyncIterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.pricing import PriceModel, Rate, Tier, price_units
from kelviq_server.demo import demo_catalog
from kelviq_server.platform.operations import API_PATH
from kelviq_server.pricing_as_code.steps import push_catalog
from tests.api.conftest import Client
from tests.make import Made


@pytest.fixture
async def http(app: Starlette, made: Made) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox, as the catalog's client sees it."""
    headers = {"Authorization": f"Bearer {made.keys.sandbox.server.plain}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://testserver{API_PATH}/", headers=headers
    ) as http:
        yield http


async def whole(api: Client, identifier: str, **query: Any) -> dict[str, Any]:
    """Return a version of a plan with all that stands below it."""
    path = f"/catalog/plans/{identifier}/"
    found = (await api.get(path, params={**query, "include": "prices,entitlements"})).json()
    # These follow the whole family, or another plan, and are not the version's own.
    return {name: value for name, value in found.items() if name not in ("isArchived", "isLatest")}


def rate(price: dict[str, Any], feature: str | None, period: ChargePeriod) -> Rate:
    """Return what the API answered as the arithmetic takes it."""
    component = next(entry for entry in price["chargeCatalogPrice"] if entry["feature"] == feature)
    charge = next(each for each in component["charges"] if each["chargePeriod"] == period)
    tiers = tuple(
        Tier(
            None if tier["upTo"] == "inf" else tier["upTo"],
            Decimal(str(tier["unitAmount"])),
            Decimal(str(tier["flatAmount"])),
        )
        for tier in charge["tiers"]
    )
    return Rate(PriceModel(component["priceModel"]), Decimal(str(charge["priceData"].get("amount", 0))), 1, tiers)


async def test_a_small_company_sells_changes_and_discards(api: Client, http: httpx.AsyncClient) -> None:
    # The catalog goes on sale.
    await push_catalog(http, demo_catalog(), publish=True)
    listed = (await api.get("/catalog/plans/", params={"include": "prices"})).json()
    states = {plan["identifier"]: (plan["isLatest"], plan["version"]) for plan in listed["results"]}
    sold = ("notes-free", "notes-pro", "notes-team", "search-payg", "search-enterprise")
    assert states == dict.fromkeys(sold, (True, 1))
    currencies = {price["currency"] for plan in listed["results"] for price in plan["prices"]}
    assert currencies == {"USD", "EUR", "INR", "JPY"}
    # Pushing it again finds nothing to do.
    assert not (await push_catalog(http, demo_catalog(), publish=True)).changes

    # What things cost: a team of twelve for a month, and a month of search.
    features = {each["identifier"]: each["id"] for each in (await api.get("/catalog/features/")).json()["results"]}
    team, payg = await whole(api, "notes-team"), await whole(api, "search-payg")
    month = ChargePeriod.MONTHLY
    seats = price_units(rate(team["prices"][0], features["seats"], month), 12, 2)
    assert price_units(rate(team["prices"][0], None, month), 1, 2) + seats == 2000 + 12 * 1000
    requests = rate(payg["prices"][0], features["search-requests"], month)
    assert price_units(requests, 1_250_000, 2) == 900_000 * 2 // 100 + 250_000 * 12 // 1000

    # The pro plan is changed: dearer, with more credits. Whoever bought it keeps what was bought.
    bought = await whole(api, "notes-pro")
    pro = "/catalog/plans/notes-pro/"
    await api.patch(pro, {"description": "Now with twice the credits."})
    await api.patch(pro + "features/ai-credits/", {"details": {"value": 4000}})
    prices = deepcopy(bought["prices"])
    for charge in prices[0]["chargeCatalogPrice"][0]["charges"]:
        charge["priceData"]["amount"] += 3
    answer = await api.post(pro + "prices/bulk/", {"prices": prices})
    assert answer.status_code == 200, answer.text
    assert await whole(api, "notes-pro", version=1) == bought
    draft = (await api.get(pro)).json()
    assert (draft["version"], draft["isLatest"]) == (2, False)
    assert (await api.get(f"/catalog/products/{draft['product']}/")).json()["plans"] == [
        "notes-team", "notes-pro", "notes-free",
    ]  # fmt: skip

    # It goes on sale; the earlier version stands still, and so does the plan that was based on it.
    team_before = await whole(api, "notes-team")
    published = await api.post(pro + "publish/", {"updateFeatures": True})
    assert published.json() == {"status": "published"}
    assert await whole(api, "notes-pro", version=1) == bought
    assert await whole(api, "notes-team") == team_before
    assert [(v["version"], v["isLatest"]) for v in (await api.get(pro + "versions/")).json()["results"]] == [
        (2, True), (1, False),
    ]  # fmt: skip

    # The next idea is thought better of.
    now = await whole(api, "notes-pro")
    await api.patch(pro, {"name": "Professional Plus"})
    assert (await api.delete(pro + "discard/")).status_code == 204
    assert await whole(api, "notes-pro") == now

    # One plan goes: out of the list, and still there for those who have it.
    await api.delete("/catalog/plans/search-enterprise/")
    assert (await api.get("/catalog/plans/")).json()["count"] == 4
    assert (await api.get("/catalog/plans/search-enterprise/")).json()["isArchived"] is True
