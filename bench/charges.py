"""What charging a customer costs: how many a second, by how many statements, and whose time they take."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.load import Connection, run_round
from bench.measured_worker import count_statements
from bench.processes import Running, cpu_seconds, database_cpu_seconds, make_database, our_server
from kelviq_server.app import create_app
from kelviq_server.platform.local_database import run
from kelviq_server.platform.logs import set_up_logs
from kelviq_server.platform.settings import Settings, load_settings
from kelviq_server.tenants.actions.found_organization import found_organization

CLIENTS = 16
SECONDS = 5.0
COUNTED = 20
PATH = "/api/v1/charges/"
Row = Callable[[str, str, str, bool | None], None]
# A server key, and the body of a charge.
Charge = tuple[str, bytes]


def charges(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure 16 clients who charge customers of one tenant, then of as many tenants, on one process."""
    directory.mkdir(exist_ok=True)
    conninfo = make_database(cluster_conninfo, "bench_charges")
    settings = load_settings(data_dir=directory, database_url=conninfo)
    with our_server(directory, conninfo) as ours, psycopg.connect(conninfo, autocommit=True) as watching:
        keys = run(settings, conninfo, lambda: found_shops(CLIENTS))
        one = [(keys[0], body) for body in stock(ours.url, keys[0], CLIENTS)]
        many = [one[0], *((key, stock(ours.url, key, 1)[0]) for key in keys[1:])]
        watching.execute("VACUUM (ANALYZE)")
        _charging(ours, one, 1.0, watching)
        for tenants, sold in (("one tenant", one), (f"{CLIENTS} tenants", many)):
            rate, own, database = _charging(ours, sold, SECONDS, watching)
            row(f"{CLIENTS} clients charge customers of {tenants}: charges/s", f"{rate:.0f}", "", None)
            row("the same, the server's CPU for each", f"{own * 1000:.2f} ms", "", None)
            row("the same, PostgreSQL's CPU for each", f"{database * 1000:.2f} ms", "", None)
    set_up_logs("warning", "console")
    statements, transactions = asyncio.run(_counted(settings, conninfo, one[0]))
    row("SQL statements for each charge", f"{statements:.0f}", "", None)
    row("transactions for each", f"{transactions:.0f}", "", None)


async def found_shops(number: int) -> list[str]:
    """Found so many organizations, and return the server keys of their sandboxes."""
    founded = [await found_organization("Bench") for _ in range(number)]
    return [keys.sandbox.server.plain for _, keys in founded]


def stock(url: str, key: str, customers: int) -> list[bytes]:
    """Sell a plan to so many customers who have a card, and return the body of a charge for each of them."""
    ids = [f"cus_{number:09}" for number in range(customers)]
    with httpx.Client(base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=30) as api:
        product = _made(api.post("catalog/products/", json={"name": "Suite", "taxCode": "saas"}))["id"]
        _made(api.post("catalog/plans/", json={"name": "Once", "identifier": "once", "product": product}))
        charges = [{"chargePeriod": "ONE_TIME", "priceData": {"amount": 49}}]
        entry = {"priceModel": "FLAT", "charges": charges}
        price = {"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [entry]}
        _made(api.post("catalog/plans/once/prices/bulk/", json={"prices": [price]}))
        _made(api.post("catalog/plans/once/publish/", json={}))
        for id in ids:
            _made(api.post("customers/", json={"customerId": id, "name": "Ada Lovelace", "email": f"{id}@example.com"}))
            _made(api.post("payment-methods/", json={"customerId": id, "cardNumber": "4242 4242 4242 4242"}))
    once = {"planIdentifier": "once", "chargePeriod": "ONE_TIME"}
    return [json.dumps({**once, "customerId": id}).encode() for id in ids]


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return json.loads(answer.content)


def _charging(
    ours: Running, sold: Sequence[Charge], seconds: float, watching: psycopg.Connection[Any]
) -> tuple[float, float, float]:
    """Return the charges per second, and the seconds that the server and PostgreSQL compute for each."""
    turns = cycle(sold)

    def send(client: Connection) -> int:
        key, body = next(turns)
        return client.request("POST", PATH, key, body)

    before = cpu_seconds(ours.pid), database_cpu_seconds(watching)
    began = time.perf_counter()
    round = run_round(ours.url, CLIENTS, send, seconds)
    charged = round.per_second * (time.perf_counter() - began)
    after = cpu_seconds(ours.pid), database_cpu_seconds(watching)
    assert not round.failures
    own, database = ((late - early) / charged for early, late in zip(before, after, strict=True))
    return round.per_second, own, database


async def _counted(settings: Settings, conninfo: str, charge: Charge) -> tuple[float, float]:
    """Return how many statements and transactions a charge takes, in an application of this process."""
    key, body = charge
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    app = create_app(settings, conninfo, with_worker=False)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, headers=headers) as api:
        _made(await api.post(f"http://bench{PATH}", content=body))
        counted = count_statements()
        for _ in range(COUNTED):
            _made(await api.post(f"http://bench{PATH}", content=body))
    return counted["statements"] / COUNTED, counted["transactions"] / COUNTED
