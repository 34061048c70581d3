"""`make bench`: how fast the server is, as ratios measured in one run, in one table.

The data (1,000,000 customers in one environment, 50,000 in another; 500,000 orders) stay under .bench/ for the
next run.
"""

import asyncio
import json
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from bench.books import books
from bench.catalog import catalog
from bench.charges import charges
from bench.load import Connection, median_milliseconds, run_round
from bench.processes import Running, bare_server, command, keys, our_server
from bench.renewals import renewals
from bench.storefront import storefront
from bench.usage import usage
from bench.webhooks import webhooks
from kelviq_server.core.search import fold
from kelviq_server.customers.store import FIRST_PAGE, search_customers
from kelviq_server.platform import embedded
from kelviq_server.platform.database import BytesLoader, Tenant, Tx

DATA = Path(".bench/data")
MANY, FEW = 1_000_000, 50_000
ROUNDS = 5
LIST = "/api/v1/customers/"

table = Table("work", "measured", "must reach", "held")
out = Console()


def row(work: str, measured: str, must: str, held: bool | None) -> None:
    """Add a line to the table, and show at once that something is done."""
    table.add_row(work, measured, must, "-" if held is None else "yes" if held else "NO")
    print(f"  {work}: {measured}", file=sys.stderr, flush=True)


def prepare() -> None:
    """Fill the two environments, once."""
    if (DATA / "filled").exists():
        return
    DATA.mkdir(parents=True, exist_ok=True)
    with our_server(DATA):
        pass
    for environment, count in (("sandbox", MANY), ("production", FEW)):
        command("seed", "customers", "--count", str(count), "--env", environment, "--data-dir", str(DATA))
    with embedded.start(DATA, say=print) as cluster, psycopg.connect(cluster.conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    (DATA / "filled").touch()


def get(path: str, key: str | None = None) -> Callable[[Connection], int]:
    """Return the sending of one GET."""
    return lambda connection: connection.request("GET", path, key)


def pages(ours: Running, conninfo: str, key: str) -> None:
    """The first page of 1000 against bare applications, and deep pages against the first."""
    with bare_server("list_app", conninfo, 1, 8911) as bare, bare_server("static_app", conninfo, 1, 8912) as static:
        targets = {"ours": (ours.url, get(LIST, key)), "bare": (bare.url, get("/")), "static": (static.url, get("/"))}
        rates: dict[str, list[float]] = {name: [] for name in targets}
        for url, send in targets.values():
            run_round(url, 4, send, seconds=0.5)
        for _ in range(ROUNDS):
            for name, (url, send) in targets.items():
                rates[name].append(run_round(url, 4, send).per_second)
    against_bare = statistics.median(a / b for a, b in zip(rates["ours"], rates["bare"], strict=True))
    against_static = statistics.median(a / b for a, b in zip(rates["ours"], rates["static"], strict=True))
    here = statistics.median(rates["ours"])
    row("page of 1000, of a million: against the bare application", f"{against_bare:.2f}", "0.85", against_bare >= 0.85)
    row("the same against a static answer", f"{against_static:.2f}", "", None)
    row("the same, requests/s", f"{here:.0f}", "", None)
    times: dict[int, list[float]] = {1: [], 900: []}
    for _ in range(3 * ROUNDS):
        for number in times:
            path = f"{LIST}?page={number}"
            times[number].append(run_round(ours.url, 1, get(path, key), seconds=0.4).median_milliseconds)
    ratio = statistics.median(b / a for a, b in zip(times[1], times[900], strict=True))
    row("page 900 against page 1, time", f"{ratio:.2f}", "1.5", ratio <= 1.5)


def database_parts(conninfo: str) -> None:
    """What the database alone takes for a page and for the count."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.adapters.register_loader("text", BytesLoader)
        for tenant_id, count in ((1, MANY), (2, FEW)):
            parameters = {"tenant_id": tenant_id, "limit": 1000}
            taken = median_milliseconds(lambda p=parameters: connection.execute(FIRST_PAGE, p).fetchone(), 200)
            row(f"the database's part of a page of 1000, of {count:,}", f"{taken:.2f} ms", "1 ms", taken <= 1)
        sql = "SELECT sum(count) FROM customer_tallies WHERE tenant_id = 1"
        taken = median_milliseconds(lambda: connection.execute(sql).fetchone(), 200)
        row("exact count of a million", f"{taken:.2f} ms", "1 ms", taken <= 1)


def searches(ours: Running, conninfo: str, key: str) -> None:
    """Searches by how much they match: over HTTP, and the same statement without the server."""
    with psycopg.connect(conninfo, autocommit=True) as connection, asyncio.Runner() as runner:
        raw_connection = runner.run(AsyncConnection.connect(conninfo, autocommit=True))
        raw_tx = Tx(raw_connection, Tenant(1, None), None)
        for kind, terms, limit in search_terms(connection):
            over_http: list[float] = []
            raw: list[float] = []
            client = Connection(ours.url)
            for term in terms:
                path = f"{LIST}?search={quote(term)}&page_size=20"
                for _ in range(ROUNDS):
                    over_http.append(median_milliseconds(partial(client.request, "GET", path, key), 1))
                    raw.append(median_milliseconds(lambda t=term: runner.run(raw_search(raw_tx, t)), 1))
            client.close()
            taken = statistics.median(over_http)
            ratio = statistics.median(a / b for a, b in zip(over_http, raw, strict=True))
            row(f"search, {kind}", f"{taken:.1f} ms", f"{limit} ms", taken <= limit)
            row(f"search, {kind}: against its raw SQL", f"{ratio:.2f}", "1.5", ratio <= 1.5)
        runner.run(raw_connection.close())


async def raw_search(tx: Tx, term: str) -> object:
    """Run the server's own statement, without the server."""
    return await search_customers(tx, [fold(term)], 0, 20)


def search_terms(connection: psycopg.Connection[Any]) -> list[tuple[str, list[str], int]]:
    """Return terms that few and that many of the million match, taken from the data."""
    sample = connection.execute(
        "SELECT external_id, name, email FROM customers WHERE tenant_id = 1 ORDER BY id LIMIT 400000"
    ).fetchall()[:: 400000 // 12]
    few = [value for external_id, _, email in sample for value in (external_id, email)]
    words = {word.casefold() for _, name, _ in sample for word in name.split() if len(word) >= 4}
    shares: dict[str, float] = {}
    for word in sorted(words):
        statement = "SELECT count(*) FROM customer_search WHERE tenant_id = 1 AND folded LIKE %s"
        found = connection.execute(statement, (f"%{word}%",)).fetchone()
        shares[word] = found[0] / MANY if found else 0
    many = [word for word, share in shares.items() if 0.005 <= share <= 0.05]
    row("share that the common words match", f"{max(shares[w] for w in many):.1%} at most", "5 %", None)
    return [("an id or an e-mail, few match", few, 10), ("a name, up to 5 % match", many, 60)]


def memory(ours: Running, key: str) -> None:
    """The most memory the server takes while listing 10,000 a page."""
    ours.forget_peak()
    rate = run_round(ours.url, 4, get(f"{LIST}?page_size=10000", key), seconds=5)
    peak = ours.peak_megabytes()
    row("memory while listing 10,000 a page, 4 clients", f"{peak:.0f} MB", "150 MB", peak < 150 and not rate.failures)


def creates(cluster_conninfo: str) -> None:
    """Creating customers with the exact count kept, against without it, on a database of its own."""
    with psycopg.connect(cluster_conninfo, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench_creates")
        connection.execute("CREATE DATABASE bench_creates")
    conninfo = make_conninfo(cluster_conninfo, dbname="bench_creates")
    directory = DATA.parent / "creates"
    directory.mkdir(exist_ok=True)
    with our_server(directory, conninfo) as ours, psycopg.connect(conninfo, autocommit=True) as connection:
        key = keys(directory)["sandbox"]
        numbers = iter(range(10_000_000))

        def create(client: Connection) -> int:
            body = {"customerId": f"c{next(numbers)}", "name": "Ada Lovelace", "email": "ada@example.com"}
            return client.request("POST", LIST, key, json.dumps(body).encode())

        ratios: list[float] = []
        kept: list[float] = []
        run_round(ours.url, 32, create, seconds=1)
        for _ in range(ROUNDS):
            rates: dict[str, float] = {}
            for state in ("ENABLE", "DISABLE"):
                connection.execute(f"ALTER TABLE customers {state} TRIGGER USER")  # pyright: ignore
                rates[state] = run_round(ours.url, 32, create).per_second
            ratios.append(rates["ENABLE"] / rates["DISABLE"])
            kept.append(rates["ENABLE"])
    ratio = statistics.median(ratios)
    row("create, 32 clients: with the exact count kept, against without", f"{ratio:.2f}", "0.7", ratio >= 0.7)
    row("the same with the count, requests/s", f"{statistics.median(kept):.0f}", "", None)


def main() -> None:
    """Measure everything and show the table."""
    prepare()
    with our_server(DATA) as ours:
        conninfo = embedded.find_running(DATA)
        assert conninfo is not None
        key = keys(DATA)["sandbox"]
        database_parts(conninfo)
        pages(ours, conninfo, key)
        searches(ours, conninfo, key)
        memory(ours, key)
        creates(conninfo)
        catalog(DATA.parent / "catalog", conninfo, row)
        charges(DATA.parent / "charges", conninfo, row)
        books(DATA.parent / "books", conninfo, row)
        renewals(DATA.parent / "renewals", conninfo, row)
        usage(DATA.parent / "usage", conninfo, row)
        storefront(DATA.parent / "storefront", conninfo, row)
        webhooks(DATA.parent / "webhooks", conninfo, row)
    out.print(table)


if __name__ == "__main__":
    main()
