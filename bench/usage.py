"""What a report of usage costs, and a look at what somebody may do: how many a second, and whose time they take."""

import random
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bench.load import Connection, median_milliseconds, run_round
from bench.processes import Running, cpu_seconds, database_cpu_seconds, make_database, our_server
from bench.reporting import (
    BATCH,
    CUSTOMERS,
    FEATURES,
    SERVED,
    Send,
    batches,
    fill,
    fill_events,
    looks,
    make_features,
    make_key,
    reports,
)
from kelviq_server.entitlements.store import STANDINGS
from kelviq_server.platform.database import SESSION_OPTIONS
from kelviq_server.platform.local_database import run
from kelviq_server.platform.settings import load_settings

CLIENTS, BATCH_CLIENTS, LOOKERS, REPORTERS = 128, 8, 16, 4
# Reports a second beside which entitlements are read.
BESIDE = 1000
SECONDS = 5.0
FEW, MANY = 50_000, 5_000_000
Row = Callable[[str, str, str, bool | None], None]


def usage(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure reports one by one and in batches, a hot customer, entitlements meanwhile, and all of it among many."""
    directory.mkdir(exist_ok=True)
    conninfo = make_database(cluster_conninfo, "bench_usage")
    with _serving(directory, conninfo) as ours:
        key = run(load_settings(data_dir=directory, database_url=conninfo), conninfo, make_key)
        make_features(ours.url, key)
    with psycopg.connect(conninfo, autocommit=True) as watching:
        tenant = fill(watching)
        with _serving(directory, conninfo) as ours:
            rate, own, database = _round(ours, watching, reports(key), CLIENTS)
            row(f"{CLIENTS} clients report usage: reports/s", f"{rate:.0f}", "5000", rate >= 5000)
            row("the server's CPU for each, PostgreSQL's", f"{own * 1e6:.0f} us, {database * 1e6:.0f} us", "", None)
            hot, *_ = _round(ours, watching, reports(key, is_hot=True), CLIENTS)
            row("the same of one customer, against that", f"{hot / rate:.2f}", "0.8", hot / rate >= 0.8)
            _beside_reports(ours, key, row)
            _one_client(ours, conninfo, key, tenant, row)
            events, own, database = _round(ours, watching, batches(key), BATCH_CLIENTS)
            row(f"batches of {BATCH} events of {SERVED} customers: events/s", f"{events * BATCH:.0f}", "", None)
            costs = f"{own / BATCH * 1e6:.0f} us, {database / BATCH * 1e6:.0f} us"
            row("the server's CPU for each, PostgreSQL's", costs, "", None)
        with _serving(directory, conninfo, KELVIQ_WORKERS="2") as ours:
            events, *_ = _round(ours, watching, batches(key), BATCH_CLIENTS)
            row("the same by two processes", f"{events * BATCH:.0f}", "25000", events * BATCH >= 25000)
        with _serving(directory, conninfo, KELVIQ_USAGE_TOGETHER="1") as ours:
            alone, *_ = _round(ours, watching, reports(key), CLIENTS)
            row("reports/s with a transaction for each", f"{alone:.0f}", "", None)
            row("together against alone", f"{rate / alone:.2f}", "2.5", rate / alone >= 2.5)
        _growth(directory, conninfo, watching, key, tenant, row)


@contextmanager
def _serving(directory: Path, conninfo: str, **settings: str) -> Generator[Running]:
    with our_server(directory, conninfo, {"KELVIQ_LOG_LEVEL": "warning", **settings}) as ours:
        yield ours


def _round(ours: Running, watching: psycopg.Connection[Any], send: Send, clients: int) -> tuple[float, float, float]:
    """Return how many a second, and how long the server and PostgreSQL computed for each."""
    run_round(ours.url, clients, send, 1.0)
    own, database = cpu_seconds(ours.pid), database_cpu_seconds(watching)
    rate = run_round(ours.url, clients, send, SECONDS)
    assert not rate.failures
    times = rate.per_second * SECONDS
    return (
        rate.per_second,
        (cpu_seconds(ours.pid) - own) / times,
        (database_cpu_seconds(watching) - database) / times,
    )


def _beside_reports(ours: Running, key: str, row: Row) -> None:
    """Look at entitlements while so many reports come each second."""
    done, times, look = threading.Event(), list[float](), looks(key)
    reporters = [threading.Thread(target=_report, args=(ours.url, reports(key), done)) for _ in range(REPORTERS)]
    for thread in reporters:
        thread.start()

    def timed(client: Connection) -> int:
        began = time.perf_counter()
        status = look(client)
        times.append(time.perf_counter() - began)
        return status

    run_round(ours.url, LOOKERS, timed, 1.0)
    times.clear()
    rate = run_round(ours.url, LOOKERS, timed, SECONDS)
    done.set()
    for thread in reporters:
        thread.join()
    slowest = sorted(times)[int(len(times) * 0.99)] * 1000
    work = f"entitlements of {FEATURES} features beside {BESIDE} reports/s: reads/s"
    row(work, f"{rate.per_second:.0f}", "2500", rate.per_second >= 2500)
    row("99 of 100 of them within", f"{slowest:.1f} ms", "25 ms", slowest < 25)


def _report(url: str, send: Send, done: threading.Event) -> None:
    client, begun, number = Connection(url), time.perf_counter(), 0
    while not done.wait(max(0.0, begun + number * REPORTERS / BESIDE - time.perf_counter())):
        assert send(client) < 400
        number += 1
    client.close()


def _one_client(ours: Running, conninfo: str, key: str, tenant: int, row: Row) -> None:
    """Compare one read over HTTP with the statement that it runs."""
    client, look = Connection(ours.url), looks(key)
    http = median_milliseconds(lambda: look(client), 1000)
    client.close()
    with psycopg.connect(make_conninfo(conninfo, options=SESSION_OPTIONS), autocommit=True) as connection:

        def read() -> None:
            asked = [f"cus_{random.randint(1, CUSTOMERS)}"]
            values = {"tenant_id": tenant, "external_ids": asked, "now": datetime.now(UTC)}
            connection.execute(STANDINGS, values, prepare=True).fetchone()

        sql = median_milliseconds(read, 1000)
    row("one read by one client, against its SQL alone", f"{http / sql:.2f}", "1.6", http / sql <= 1.6)


def _growth(directory: Path, conninfo: str, watching: psycopg.Connection[Any], key: str, tenant: int, row: Row) -> None:
    """Measure again with very many events stored."""
    rates: dict[int, tuple[float, float]] = {}
    for first, events in ((1, FEW), (FEW + 1, MANY)):
        fill_events(watching, tenant, first, events)
        with _serving(directory, conninfo) as ours:
            written, *_ = _round(ours, watching, batches(key), BATCH_CLIENTS)
            read, *_ = _round(ours, watching, looks(key), LOOKERS)
            rates[events] = (written, read)
    (few_written, few_read), (many_written, many_read) = rates[FEW], rates[MANY]
    of = f"with {MANY:,} events stored, against {FEW:,}"
    row(f"events/s {of}", f"{many_written / few_written:.2f}", "0.9", many_written / few_written >= 0.9)
    row(f"reads/s {of}", f"{many_read / few_read:.2f}", "0.95", many_read / few_read >= 0.95)
