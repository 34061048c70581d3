"""The backlog's part of the table: what a million events that nobody takes cost those who create customers."""

import hashlib
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import httpx
import psycopg
from psycopg import ClientCursor

from bench.load import Connection, run_round
from bench.processes import Running, keys, make_database, our_server
from kelviq_server.customers.events import CustomerCreated
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.migrate import known_migrations

WAITING = 1_000_000
# One in so many is due now, and tried while the server is loaded.
DUE = 10
ROUNDS, CLIENTS = 5, 32
LIST = "/api/v1/customers/"
# Nothing listens there.
REFUSING = "http://127.0.0.1:9/hooks"
NETWORKS = {"KELVIQ_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}
KEPT, FULL, EMPTY = "bench_backlog_kept", "bench_backlog_full", "bench_backlog_empty"
Row = Callable[[str, str, str, bool | None], None]

# What waits is never too old to be told, however long these data are kept.
FILL: tuple[LiteralString, ...] = (
    "INSERT INTO webhook_events (tenant_id, id, type, customer_id, created_at, logged_at, body)"
    " SELECT tenant_id, event.id, 'customer.created', customer_id, at, at, json_build_object('id', event.id,"
    "   'type', 'customer.created', 'created_at', at, 'data', json_build_object('object', %(object)s::json))"
    " FROM webhook_endpoints, (SELECT ('01970000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid AS id,"
    "   ('01970000-0000-7000-9000-' || lpad(to_hex(number), 12, '0'))::uuid AS customer_id,"
    "   timestamptz '2100-01-01' AS at FROM generate_series(1, %(waiting)s) AS number) AS event",
    "INSERT INTO webhook_lanes (endpoint_id, lane, due_at)"
    " SELECT endpoint.id, customer_id, position * interval '1 second'"
    "   + CASE position %% %(due)s WHEN 0 THEN timestamptz '2000-01-01' ELSE '2100-01-01' END"
    " FROM webhook_endpoints AS endpoint JOIN webhook_events USING (tenant_id) ORDER BY position",
    "INSERT INTO webhook_deliveries (endpoint_id, lane, tenant_id, position, failures, queued_at)"
    " SELECT endpoint.id, customer_id, tenant_id, position, 1, logged_at"
    " FROM webhook_endpoints AS endpoint JOIN webhook_events USING (tenant_id) ORDER BY position",
)


def backlog(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure creating customers beside a backlog of a million, against creating them beside none."""
    full, empty = directory / "full", directory / "empty"
    _prepare(full, cluster_conninfo)
    empty.mkdir(exist_ok=True)
    at_full = make_database(cluster_conninfo, FULL, KEPT)
    at_empty = make_database(cluster_conninfo, EMPTY)
    with psycopg.connect(at_full, autocommit=True) as connection:
        connection.execute("UPDATE webhook_endpoints SET failing_since = now()")
    with our_server(full, at_full, NETWORKS) as beside_full, our_server(empty, at_empty, NETWORKS) as beside_none:
        servers = [(beside_full, keys(full)["sandbox"]), (beside_none, keys(empty)["sandbox"])]
        # Which one comes first changes each time; the first pair warms both up.
        rates = [_side_by_side(servers[::order])[::order] for order in (1, -1) * (ROUNDS // 2 + 1)][1:]
    ratio = statistics.median(with_backlog / without for with_backlog, without in rates)
    row("create, 32 clients: beside a million undelivered events, against none", f"{ratio:.2f}", "0.8", ratio >= 0.8)
    row("the same beside them, requests/s", f"{statistics.median(rate for rate, _ in rates):.0f}", "", None)


def _side_by_side(servers: Sequence[tuple[Running, str]]) -> list[float]:
    """Return how many customers a second are created at each of two servers, while the other one rests."""
    (first, first_key), (second, second_key) = servers
    with second.at_rest():
        first_rate = _creates(first, first_key)
    with first.at_rest():
        return [first_rate, _creates(second, second_key)]


def _creates(server: Running, key: str) -> float:
    """Return how many customers a second the clients create."""
    numbers = iter(range(10_000_000))
    run = uuid4().hex

    def create(client: Connection) -> int:
        body = {"customerId": f"{run}-{next(numbers)}", "name": "Ada Lovelace", "email": "ada@example.com"}
        return client.request("POST", LIST, key, json.dumps(body).encode())

    round = run_round(server.url, CLIENTS, create)
    assert not round.failures
    return round.per_second


def _prepare(directory: Path, cluster_conninfo: str) -> None:
    """Fill a database with what waits, and keep it until there are other migrations."""
    checksums = "".join(migration.checksum for migration in known_migrations())
    filled = directory / f"filled-{hashlib.sha256(checksums.encode()).hexdigest()[:12]}"
    if filled.exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    conninfo = make_database(cluster_conninfo, KEPT)
    with our_server(directory, conninfo, NETWORKS) as ours:
        address = f"{ours.url}/api/v1/webhook/endpoints/"
        authorization = {"Authorization": f"Bearer {keys(directory)['sandbox']}"}
        assert httpx.post(address, json={"url": REFUSING}, headers=authorization).status_code == 201
    parameters = {"waiting": WAITING, "due": DUE, "object": dump(CustomerCreated.example().data()["object"])}
    with psycopg.connect(conninfo, autocommit=True, cursor_factory=ClientCursor) as connection:
        for statement in FILL:
            connection.execute(statement, parameters)
        connection.execute("VACUUM (ANALYZE)")
    filled.touch()
