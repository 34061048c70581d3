"""What is asked by software and by pages that anybody opens: licences, offerings, promotions, countries."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg

from bench.load import Connection, run_round
from bench.processes import make_database, our_server
from kelviq_server.platform.local_database import run
from kelviq_server.platform.settings import load_settings
from kelviq_server.tenants.actions.found_organization import found_organization
from kelviq_server.visitors.steps import visitor_at

CLIENTS = 16
SECONDS = 5.0
LICENSES, PLANS, FEATURES = 10_000, 4, 10
LOOKUPS = 200_000
Row = Callable[[str, str, str, bool | None], None]

# As many licences as if they had been bought one by one, each active on one machine.
_LICENSES: tuple[LiteralString, ...] = (
    "INSERT INTO licenses OVERRIDING USER VALUE SELECT (jsonb_populate_record(l, jsonb_build_object('id', n.id,"
    "  'lineage_id', n.id, 'key', 'LIC-' || n.number))).* FROM licenses AS l, numbers AS n",
    "INSERT INTO license_instances SELECT tenant_id, n.id, n.id, name, metadata, activated_at, last_seen_at"
    " FROM license_instances, numbers AS n",
    "VACUUM (ANALYZE) licenses, license_instances",
)


async def _keys() -> tuple[str, str]:
    _, keys = await found_organization("Storefront")
    return keys.sandbox.server.plain, keys.sandbox.client.plain


def storefront(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure how often a second each is answered."""
    directory.mkdir(exist_ok=True)
    conninfo = make_database(cluster_conninfo, "bench_storefront")
    with our_server(directory, conninfo, {"KELVIQ_LOG_LEVEL": "warning"}) as ours:
        server_key, client_key = run(load_settings(data_dir=directory, database_url=conninfo), conninfo, _keys)
        product, promotion = _sell(ours.url, server_key)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        _fill(connection)
    offering = f"/api/v1/monetization/product-offering/{product}/?ip_address=49.36.0.1"
    with our_server(directory, conninfo, {"KELVIQ_LOG_LEVEL": "warning"}) as ours:
        tag = _tag(ours.url + offering, server_key)

        def measure(what: str, send: Callable[[Connection], int]) -> None:
            run_round(ours.url, CLIENTS, send, 1.0)
            rate = run_round(ours.url, CLIENTS, send, SECONDS)
            assert not rate.failures, what
            row(f"{what}/s, {CLIENTS} clients", f"{rate.per_second:.0f}", "", None)

        def validate(client: Connection) -> int:
            number = random.randint(1, LICENSES)
            body = b'{"licenseKey":"LIC-%d","instanceId":"%08x-0000-7000-8000-000000000000"}' % (number, number)
            return client.request("POST", "/api/v1/license/validate/", server_key, body)

        measure(f"validations of {LICENSES:,} licences", validate)
        measure(f"offerings of {PLANS} plans", lambda client: client.request("GET", offering, server_key))
        measure("the same, known already (304)", lambda client: client.request("GET", offering, server_key, tag=tag))
        shown = f"/api/v1/promotions?promotion_id={promotion}"
        measure("promotions", lambda client: client.request("GET", shown, client_key))
    addresses = [
        str(random.randint(1, 223)) + "".join(f".{random.randint(0, 255)}" for _ in range(3)) for _ in range(1000)
    ]
    began = time.perf_counter()
    for number in range(LOOKUPS):
        visitor_at(addresses[number % 1000])
    row("countries looked up/s, one process", f"{LOOKUPS / (time.perf_counter() - began):,.0f}", "", None)


def _sell(url: str, key: str) -> tuple[str, str]:
    """Make what is asked for, and return the ids of the product and the promotion."""
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {key}"}) as api:

        def made(path: str, body: dict[str, Any]) -> Any:
            return api.post(path, json=body).raise_for_status().json()

        product = made("/catalog/products/", {"name": "Suite", "taxCode": "saas"})["id"]
        features = [
            made("/catalog/features/", {"name": f"f{number}", "identifier": f"f{number}", "featureType": "BOOLEAN"})[
                "id"
            ]
            for number in range(FEATURES)
        ]
        charges = [{"chargePeriod": period, "priceData": {"amount": 19}} for period in ("MONTHLY", "YEARLY")]
        paid = [
            {"priceType": "PAID", "currency": currency, "chargeCatalogPrice": [{"charges": charges}]}
            for currency in ("USD", "INR")
        ]
        for number in range(PLANS):
            plan, license = f"plan-{number}", {"enabled": True}
            made("/catalog/plans/", {"name": plan, "identifier": plan, "product": product, "license": license})
            prices = paid if number else [{"priceType": "FREE", "currency": "USD"}]
            made(f"/catalog/plans/{plan}/prices/bulk/", {"prices": prices})
            granted = [{"feature": id, "details": {"value": True}} for id in features]
            made(f"/catalog/plans/{plan}/features/", {"planEntitlements": granted})
            made(f"/catalog/plans/{plan}/publish/", {})
        made("/customers/", {"customerId": "ada"})
        charge = {"planIdentifier": "plan-0", "chargePeriod": "ONE_TIME", "customerId": "ada"}
        [license] = made("/charges/", charge)["license"]
        made("/license/activate/", {"licenseKey": license["licenseKey"], "metadata": {"os": "macOS"}})
        body = {"name": "PPP", "restrictions": [{"product": product}], "groups": {"LOWER_MIDDLE_INCOME": 30}}
        return product, made("/promotions/manage/", body)["id"]


def _fill(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "CREATE TEMPORARY TABLE numbers AS SELECT number,"
        " (lpad(to_hex(number), 8, '0') || '-0000-7000-8000-000000000000')::uuid AS id"
        " FROM generate_series(1, %s) AS number",
        (LICENSES,),
    )
    for statement in _LICENSES:
        connection.execute(statement)


def _tag(address: str, key: str) -> str:
    return httpx.get(address, headers={"Authorization": f"Bearer {key}"}).headers["etag"]
