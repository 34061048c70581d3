"""`serve --demo`: something to look at from the first minute, once, and only where nothing is sold yet."""

from pathlib import Path

import httpx

from tests.contract.server import Server, running_server


def catalog(server: Server) -> httpx.Client:
    headers = {"Authorization": f"Bearer {server.sandbox.server}"}
    return httpx.Client(base_url=f"{server.url}/api/v1", headers=headers)


def test_a_demo_is_filled_once_and_then_left_alone(tmp_path: Path) -> None:
    with running_server(tmp_path, "--demo") as server, catalog(server) as api:
        plans = api.get("/catalog/plans/").json()["results"]
        assert len(plans) == 5
        assert all(plan["isLatest"] for plan in plans)
        assert len(api.get("/catalog/products/").json()["results"]) == 2
        customers = api.get("/customers/").json()["results"]
        assert len(customers) == 40
        assert all(customer["name"] and customer["billingAddress"]["country"] for customer in customers)
        api.patch("/catalog/plans/notes-pro/", json={"name": "Mine"}).raise_for_status()
        # What the server did itself is not logged as if somebody had asked for it.
        assert "createCatalogPlan" not in (tmp_path / "stderr").read_text()
    with running_server(tmp_path, "--demo") as server, catalog(server) as api:
        assert api.get("/catalog/plans/notes-pro/").json()["name"] == "Mine"
        assert api.get("/customers/").json()["count"] == 40


def test_where_something_is_sold_nothing_is_added(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, catalog(server) as api:
        api.post("/catalog/products/", json={"name": "Own", "taxCode": "saas"}).raise_for_status()
    with running_server(tmp_path, "--demo") as server, catalog(server) as api:
        assert api.get("/catalog/products/").json()["count"] == 1
        assert api.get("/customers/").json()["count"] == 0
