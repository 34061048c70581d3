"""The webhooks' part of the table: what one worker delivers, and what that costs."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from bench.backlog import backlog
from bench.processes import database_cpu_seconds
from bench.receivers import receivers
from kelviq_server.core.samples import samples
from kelviq_server.customers.events import CustomerCreated, CustomerUpdated
from kelviq_server.customers.records import Customer
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.local_database import bring_up_to_date, run
from kelviq_server.platform.outgoing import Outgoing, use_outgoing
from kelviq_server.platform.settings import Settings, load_settings
from kelviq_server.tenants import steps as tenants
from kelviq_server.tenants.actions.found_organization import found_organization
from kelviq_server.tenants.records import EnvironmentName
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.records import ANY_TYPE, NewEndpoint

CUSTOMERS = 2_000
# So many endpoints, and so many events for each: every customer is created once, and changed from then on.
ROUNDS = ((1, 10_000), (20, 1_000))
QUEUED = 40_000
LIMIT_SECONDS = 120
LOCAL = '["127.0.0.0/8"]'
SETTLED = "SELECT NOT EXISTS (SELECT FROM outbox WHERE relayed_at IS NULL) AND NOT EXISTS (SELECT FROM webhook_lanes)"
Row = Callable[[str, str, str, bool | None], None]
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Costs:
    """What a piece of work has taken: of the worker, and of the processes that PostgreSQL runs for it."""

    seconds: float
    cpu_seconds: float
    database_cpu_seconds: float
    statements: int
    transactions: int


def webhooks(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure deliveries to one and to 20 local endpoints, from the outbox until they are settled."""
    directory.mkdir(exist_ok=True)
    backlog(directory, cluster_conninfo, row)
    for endpoints, events in ROUNDS:
        with receivers(endpoints) as urls, _database(directory, cluster_conninfo, urls, events) as (worker, watching):
            costs = _delivering(worker, watching)
            [taken] = watching.execute("SELECT count(*) FROM webhook_attempts WHERE is_success").fetchone() or [0]
        assert taken == endpoints * events, f"{taken} were taken of {endpoints * events}"
        name = "an endpoint" if endpoints == 1 else f"{endpoints} endpoints"
        row(f"one worker, {name}: deliveries/s", f"{taken / costs.seconds:.0f}", "", None)
        row("the same, SQL statements for each delivery", f"{costs.statements / taken:.2f}", "", None)
        row("the same, transactions for each", f"{costs.transactions / taken:.2f}", "", None)
        row("the same, the worker's CPU for each", f"{costs.cpu_seconds / taken * 1000:.2f} ms", "", None)
        row("the same, PostgreSQL's CPU for each", f"{costs.database_cpu_seconds / taken * 1000:.2f} ms", "", None)
        urls = ["http://127.0.0.1:9/hooks"] * endpoints
        with _database(directory, cluster_conninfo, urls, QUEUED // endpoints) as (worker, watching):
            seconds = _report(_start(worker, "relay")).seconds
        row(f"queued for {name}, events/s", f"{QUEUED // endpoints / seconds:.0f}", "", None)


@contextmanager
def _database(
    directory: Path, cluster_conninfo: str, urls: Sequence[str], events: int
) -> Generator[tuple[dict[str, str], Connection]]:
    """Make a database with these endpoints and so many events in the outbox; give a worker's environment for it."""
    with psycopg.connect(cluster_conninfo, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench_webhooks")
        connection.execute("CREATE DATABASE bench_webhooks")
    conninfo = make_conninfo(cluster_conninfo, dbname="bench_webhooks")
    settings = load_settings(data_dir=directory, database_url=conninfo, webhook_networks=json.loads(LOCAL))
    bring_up_to_date(conninfo, lambda line: None)
    run(settings, conninfo, lambda: _fill(settings, urls, events))
    environment = {
        "KELVIQ_DATA_DIR": str(directory),
        "KELVIQ_DATABASE_URL": conninfo,
        "KELVIQ_WEBHOOK_NETWORKS": LOCAL,
        "KELVIQ_LOG_LEVEL": "warning",
    }
    with psycopg.connect(conninfo, autocommit=True) as watching:
        watching.execute("VACUUM (ANALYZE)")
        yield os.environ | environment, watching


async def _fill(settings: Settings, urls: Sequence[str], events: int) -> None:
    use_outgoing(Outgoing(settings.webhook_networks))
    await found_organization("Bench")
    async with reading(INSTANCE) as tx:
        tenant = await tenants.find_tenant(tx, None, EnvironmentName.SANDBOX)
    assert tenant is not None
    for url in urls:
        await create_endpoint(tenant, NewEndpoint(url, [ANY_TYPE], "", is_enabled=True))
    customers = [_customer(number) for number in range(min(CUSTOMERS, events))]
    for start in range(0, events, CUSTOMERS):
        async with transaction(tenant) as tx:
            tx.announce_all([_happened(tenant, customer, start) for customer in customers[: events - start]])


def _customer(number: int) -> Customer:
    [sample] = islice(samples(number + 1), 1)
    now = datetime.now(UTC)
    return replace(
        CustomerCreated.example().customer,
        id=new_id(now),
        external_id=f"cus_{number:09}",
        name=sample.name,
        email=sample.email,
        metadata=dump(sample.metadata),
        billing_address=dump(sample.address),
    )


def _happened(tenant: Tenant, customer: Customer, start: int) -> CustomerCreated:
    if start == 0:
        return CustomerCreated(customer, tenant.organization)
    return CustomerUpdated(customer, tenant.organization, {"name": "Ada Lovelace"})


def _start(environment: dict[str, str], work: str) -> subprocess.Popen[str]:
    """Let a worker connect, then work."""
    command = [sys.executable, "-m", "bench.measured_worker", work]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def _delivering(environment: dict[str, str], watching: Connection) -> Costs:
    """Return what it takes one worker until nothing waits any more."""
    process = _start(environment, "deliver")
    began = time.perf_counter()
    while not (watching.execute(SETTLED).fetchone() or [False])[0]:
        assert time.perf_counter() < began + LIMIT_SECONDS, "the worker does not come to an end"
        time.sleep(0.05)
    seconds, of_database = time.perf_counter() - began, database_cpu_seconds(watching)
    return replace(_report(process), seconds=seconds, database_cpu_seconds=of_database)


def _report(process: subprocess.Popen[str]) -> Costs:
    """Let a worker end when it has finished what it is at, and return what it says."""
    output, _ = process.communicate()
    said: dict[str, Any] = json.loads(output)
    return Costs(database_cpu_seconds=0, **said)
