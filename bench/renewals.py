"""What renewing a subscription costs: how many a second, by how many workers, and beside how many others."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg

from bench.charges import CLIENTS, found_shops
from bench.load import Connection, run_round
from bench.processes import database_cpu_seconds, make_database, our_server
from kelviq_server.platform.local_database import run
from kelviq_server.platform.settings import load_settings

MANY, FEW = 500_000, 10_000
RENEWED, ROUNDS, YEARLY = 500, 3, 100
# At which the clocks stand still, and when what is due is due: a month later, and so on.
START = "2031-01-15T12:00:00Z"
Row = Callable[[str, str, str, bool | None], None]

# Makes the one subscriber of a tenant many. Only so many of them fall due within the months that are measured.
FILL: tuple[LiteralString, ...] = (
    "ALTER TABLE subscriptions DISABLE TRIGGER USER",
    "ALTER TABLE customers DISABLE TRIGGER USER",
    "CREATE TEMPORARY TABLE copies AS SELECT number, (lpad(to_hex(number), 8, '0') || '-0000-7000-8000-'"
    "  || lpad(to_hex(%(tenant_id)s), 12, '0'))::uuid AS key FROM generate_series(1, %(count)s) AS number",
    "INSERT INTO customers (tenant_id, id, external_id, name, email, metadata, billing_address, details, created_at,"
    "  modified_at, active_subscriptions) SELECT tenant_id, key, 'cus_' || number, name, email, metadata,"
    "  billing_address, details, created_at, modified_at, 1 FROM customers, copies WHERE tenant_id = %(tenant_id)s",
    "INSERT INTO sandbox_cards SELECT tenant_id, 'card_' || number, behavior, created_at FROM sandbox_cards, copies"
    "  WHERE tenant_id = %(tenant_id)s",
    "INSERT INTO payment_methods (tenant_id, customer_id, gateway, gateway_method, method_type, method_data,"
    "  is_default, status, created_at, modified_at) SELECT tenant_id, key, gateway, 'card_' || number, method_type,"
    "  method_data, is_default, status, created_at, modified_at FROM payment_methods, copies"
    "  WHERE tenant_id = %(tenant_id)s",
    "INSERT INTO subscriptions (tenant_id, id, lineage_id, is_seen, status, billing_type, customer_id, product_id,"
    "  plan_id, version_id, price_id, charge_period, currency, features, amount_units, cycle, time_zone, anchor_at,"
    "  period_index, period_start, period_end, worth, carried, started_at, created_at, modified_at)"
    " SELECT tenant_id, key, key, is_seen, status, billing_type, key, product_id, plan_id, version_id, price_id,"
    "  charge_period, currency, features, amount_units, cycle, time_zone,"
    "  anchor_at + moved, period_index, period_start + moved, period_end + moved, worth, carried, started_at,"
    "  created_at, modified_at FROM subscriptions, copies, LATERAL (SELECT CASE WHEN number <= %(due)s"
    "   THEN interval '0' ELSE interval '10 years' END AS moved) AS later WHERE tenant_id = %(tenant_id)s",
    "DROP TABLE copies",
    "ALTER TABLE subscriptions ENABLE TRIGGER USER",
    "ALTER TABLE customers ENABLE TRIGGER USER",
)


def renewals(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure renewals by one worker and by two, beside many others and few, and a clock over two years."""
    directory.mkdir(exist_ok=True)
    conninfo = make_database(cluster_conninfo, "bench_renewals")
    settings = load_settings(data_dir=directory, database_url=conninfo)
    with our_server(directory, conninfo) as ours:
        keys = run(settings, conninfo, lambda: found_shops(3))
        for key, subscribers in zip(keys, (1, 1, YEARLY), strict=True):
            _subscribe(ours.url, key, subscribers)
        _checkouts(ours.url, keys[0], row)
        began = time.perf_counter()
        _advance(ours.url, keys[2], "2033-01-15T12:00:00Z")
        seconds = time.perf_counter() - began
        row(f"a clock over 24 months of {YEARLY} subscriptions", f"{seconds:.1f} s", "", None)
        row("the same, renewals/s", f"{YEARLY * 24 / seconds:.0f}", "", None)
    with psycopg.connect(conninfo, autocommit=True) as watching:
        few, many, _ = (id for [id] in watching.execute("SELECT DISTINCT tenant_id FROM subscriptions ORDER BY 1"))
        for tenant_id, subscribers in ((few, FEW), (many, MANY)):
            _fill(watching, tenant_id, subscribers)
        watching.execute("VACUUM (ANALYZE)")
        _renewing(directory, conninfo, watching, few, many, row)


def _checkouts(url: str, key: str, row: Row) -> None:
    """Open checkout sessions for new customers, by as many clients as charge customers elsewhere."""
    numbers = count()
    body = {"planIdentifier": "pro", "chargePeriod": "MONTHLY", "successUrl": "https://example.com/done"}

    def send(client: Connection) -> int:
        sent = json.dumps({**body, "customerId": f"new-{next(numbers)}"}).encode()
        return client.request("POST", "/api/v1/checkout/", key, sent)

    run_round(url, CLIENTS, send, 1.0)
    round = run_round(url, CLIENTS, send, 5.0)
    assert not round.failures
    row(f"{CLIENTS} clients open checkout sessions: sessions/s", f"{round.per_second:.0f}", "", None)


def _renewing(directory: Path, conninfo: str, watching: psycopg.Connection[Any], few: int, many: int, row: Row) -> None:
    """Renew in turns what is due of both, by one worker and by two."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(directory, conninfo)) for _ in range(2)]
        months = count(1)
        _round(workers, watching, few, next(months))
        one: dict[int, list[float]] = {few: [], many: []}
        costs: dict[str, float] = {}
        used = 0.0
        begun = {few: next(months), many: 1}
        for _ in range(ROUNDS):
            for tenant_id in (few, many):
                before = database_cpu_seconds(watching)
                seconds, costs = _round(workers[:1], watching, tenant_id, begun[tenant_id])
                used = database_cpu_seconds(watching) - before
                begun[tenant_id] += 1
                one[tenant_id].append(seconds)
        rate = RENEWED / statistics.median(one[few])
        row("one worker: renewals/s", f"{rate:.0f}", "150", rate >= 150)
        row("SQL statements for each renewal", f"{costs['statements'] / RENEWED:.0f}", "", None)
        row("transactions for each, the gateway's too", f"{costs['transactions'] / RENEWED:.1f}", "", None)
        row("the worker's CPU for each", f"{costs['cpu_seconds'] / RENEWED * 1000:.2f} ms", "", None)
        row("PostgreSQL's CPU for each", f"{used / RENEWED * 1000:.2f} ms", "", None)
        ratio = statistics.median(b / a for a, b in zip(one[few], one[many], strict=True))
        row(f"a renewal among {MANY:,} subscriptions, against {FEW:,}", f"{ratio:.2f}", "1.2", ratio <= 1.2)
        two = [_round(workers, watching, few, begun[few] + turn)[0] for turn in range(ROUNDS)]
        row("two workers: renewals/s", f"{RENEWED / statistics.median(two):.0f}", "", None)


def _round(
    workers: Sequence[subprocess.Popen[str]], watching: psycopg.Connection[Any], tenant_id: int, month: int
) -> tuple[float, dict[str, float]]:
    """Let the month begin, have the workers renew, and return how long that took and what it cost."""
    watching.execute(
        "UPDATE clocks SET frozen_at = %s::timestamptz + make_interval(months => %s) WHERE tenant_id = %s",
        (START, month, tenant_id),
    )
    began = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(f"{tenant_id}\n")
        worker.stdin.flush()
    answers = [json.loads(worker.stdout.readline()) for worker in workers if worker.stdout is not None]
    seconds = time.perf_counter() - began
    assert sum(answer["renewed"] for answer in answers) == RENEWED, answers
    return seconds, answers[0]


@contextmanager
def _worker(directory: Path, conninfo: str) -> Generator[subprocess.Popen[str]]:
    """Run a process that renews when it is told to."""
    environment = os.environ | {"KELVIQ_DATA_DIR": str(directory), "KELVIQ_DATABASE_URL": conninfo}
    command = [sys.executable, "-m", "bench.renewing"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _advance(url: str, key: str, to: str) -> None:
    """Move a clock, and wait until it is there."""
    with httpx.Client(base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=30) as api:
        clock = _made(api.post("sandbox/clock/", json={"now": to}))
        while clock["status"] != "FROZEN":
            time.sleep(0.05)
            clock = _made(api.get("sandbox/clock/"))


def _fill(connection: psycopg.Connection[Any], tenant_id: int, subscribers: int) -> None:
    with psycopg.ClientCursor(connection) as cursor:
        for statement in FILL:
            cursor.execute(statement, {"tenant_id": tenant_id, "count": subscribers, "due": RENEWED - 1})


def _subscribe(url: str, key: str, subscribers: int) -> None:
    """Sell a monthly plan to so many customers with a card, at an instant at which the clock stands."""
    with httpx.Client(base_url=f"{url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=30) as api:
        _made(api.post("sandbox/clock/", json={"now": START}))
        product = _made(api.post("catalog/products/", json={"name": "Suite", "taxCode": "saas"}))["id"]
        _made(api.post("catalog/plans/", json={"name": "Pro", "identifier": "pro", "product": product}))
        entry = {"priceModel": "FLAT", "charges": [{"chargePeriod": "MONTHLY", "priceData": {"amount": 49}}]}
        price = {"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [entry]}
        _made(api.post("catalog/plans/pro/prices/bulk/", json={"prices": [price]}))
        _made(api.post("catalog/plans/pro/publish/", json={}))
        for number in range(subscribers):
            id = f"ada-{number}"
            _made(api.post("customers/", json={"customerId": id, "name": "Ada Lovelace", "email": "ada@example.com"}))
            _made(api.post("payment-methods/", json={"customerId": id, "cardNumber": "4242 4242 4242 4242"}))
            body = {"planIdentifier": "pro", "chargePeriod": "MONTHLY", "customerId": id}
            _made(api.post("subscriptions/create/", json=body))


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return json.loads(answer.content)
