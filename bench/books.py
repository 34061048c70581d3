"""The books' part of the table: lists of half a million orders, and verifying what was written."""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg
from psycopg import ClientCursor
from psycopg.conninfo import make_conninfo

from bench.charges import PATH, found_shops, stock
from bench.load import run_round
from bench.processes import make_database, our_server
from kelviq_server.billing.verification.actions.verify_books import verify_books
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.local_database import run
from kelviq_server.platform.migrate import known_migrations
from kelviq_server.platform.settings import load_settings

# Of orders, one environment each.
MANY, FEW, VERIFIED = 500_000, 1_000, 100_000
ROUNDS = 5
KEPT = "bench_books"
ORDERS, TRANSACTIONS = "/api/v1/orders/", "/api/v1/transaction/"
Row = Callable[[str, str, str, bool | None], None]

# Makes the one order of a tenant many, each with what belongs to it and a buyer of its own. No trigger runs: what they
# would count is written at the end. One order in a hundred is of another status.
FILL: tuple[LiteralString, ...] = (
    "ALTER TABLE orders DISABLE TRIGGER USER",
    "ALTER TABLE transactions DISABLE TRIGGER USER",
    "ALTER TABLE journal_lines DISABLE TRIGGER USER",
    "SET timezone = UTC",
    "CREATE TEMPORARY TABLE copies AS SELECT *, name || '@example.com' AS email, 'cus_' || md5(name) AS external_id"
    " FROM (SELECT o AS o, number, 'ORD-20240101000000-' || lpad(number::text, 7, '0') AS id,"
    "   'INV-20240101000000-' || lpad(number::text, 7, '0') AS invoice_id,"
    "   (lpad(to_hex(number), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(o.tenant_id), 12, '0'))::uuid AS key,"
    "   timestamptz '2024-01-01' + number * interval '1 minute' AS at,"
    "   'buyer ' || substr(md5(number::text), 1, 8) AS name"
    "   FROM orders AS o, generate_series(2, %(count)s) AS number WHERE tenant_id = %(tenant_id)s) AS numbered",
    "INSERT INTO orders SELECT new.* FROM copies AS c, jsonb_populate_record(o, jsonb_build_object('id', id,"
    "  'listed_seq', number + 10, 'invoice_id', invoice_id, 'subscription_id', key, 'paid_at', at, 'created_at', at,"
    "  'status', CASE WHEN number %% 100 = 0 THEN 'FRAUDULENT' ELSE 'COMPLETE' END,"
    "  'buyer', (o).buyer::jsonb || jsonb_build_object('name', name, 'email', email, 'external_id', external_id),"
    "  'folded', concat_ws(chr(31), lower(id), name, email, external_id))) AS new",
    "INSERT INTO invoices SELECT new.* FROM copies AS c JOIN invoices AS i ON i.tenant_id = (o).tenant_id"
    "  AND i.id = (o).invoice_id, jsonb_populate_record(i, jsonb_build_object('id', c.invoice_id, 'number', c.number,"
    "  'order_id', c.id, 'subscription_id', key)) AS new",
    "INSERT INTO payment_attempts SELECT new.* FROM copies AS c JOIN payment_attempts AS a"
    "  ON a.tenant_id = (o).tenant_id AND a.subject = (o).id,"
    "  jsonb_populate_record(a, jsonb_build_object('id', key, 'subject', c.id)) AS new",
    "INSERT INTO transactions OVERRIDING SYSTEM VALUE SELECT new.* FROM copies AS c JOIN transactions AS t"
    "  ON t.tenant_id = (o).tenant_id AND t.order_id = (o).id, jsonb_populate_record(t, jsonb_build_object("
    "  'id', key, 'seq', number + 10, 'order_id', c.id, 'reference', 'pay_' || md5(c.id), 'created_at', at,"
    "  'folded', concat_ws(chr(31), lower(c.id), name, email, external_id, 'card', 'visa')"
    "   || chr(10) || 'pay_' || md5(c.id))) AS new",
    "INSERT INTO journal_entries OVERRIDING SYSTEM VALUE SELECT new.* FROM copies AS c JOIN journal_entries AS e"
    "  ON e.tenant_id = (o).tenant_id AND e.order_id = (o).id, jsonb_populate_record(e, jsonb_build_object("
    "  'id', number + 10, 'order_id', c.id, 'transaction_id', key, 'created_at', at)) AS new",
    "INSERT INTO journal_lines SELECT new.* FROM copies AS c JOIN journal_entries AS e"
    "  ON e.tenant_id = (o).tenant_id AND e.order_id = (o).id JOIN journal_lines AS l ON l.tenant_id = e.tenant_id"
    "  AND l.entry_id = e.id, jsonb_populate_record(l, jsonb_build_object('entry_id', number + 10)) AS new",
    "UPDATE books SET invoices = %(count)s WHERE tenant_id = %(tenant_id)s",
    "UPDATE sold_amounts SET amount_units = amount_units * %(count)s WHERE tenant_id = %(tenant_id)s",
    "DELETE FROM status_tallies WHERE tenant_id = %(tenant_id)s",
    "INSERT INTO status_tallies SELECT tenant_id, 'orders', status, 0, count(*) FROM orders"
    "  WHERE tenant_id = %(tenant_id)s GROUP BY tenant_id, status",
    "INSERT INTO status_tallies SELECT tenant_id, 'transactions', status, 0, count(*) FROM transactions"
    "  WHERE tenant_id = %(tenant_id)s GROUP BY tenant_id, status",
    "ALTER TABLE orders ENABLE TRIGGER USER",
    "ALTER TABLE transactions ENABLE TRIGGER USER",
    "ALTER TABLE journal_lines ENABLE TRIGGER USER",
    "DROP TABLE copies",
)
SEQUENCES: tuple[LiteralString, ...] = (
    "SELECT setval('order_places', (SELECT max(listed_seq) FROM orders))",
    "SELECT setval(pg_get_serial_sequence('transactions', 'seq'), (SELECT max(seq) FROM transactions))",
    "SELECT setval(pg_get_serial_sequence('journal_entries', 'id'), (SELECT max(id) FROM journal_entries))",
)


def books(directory: Path, cluster_conninfo: str, row: Row) -> None:
    """Measure lists of 500,000 orders against those of 1,000, and verifying 100,000 invoices."""
    conninfo, keys = _prepare(directory, cluster_conninfo)
    settings = load_settings(data_dir=directory, database_url=conninfo)
    with our_server(directory, conninfo) as ours:
        _lists(ours.url, keys, row)
        tenant = _tenant_of(conninfo, VERIFIED)
        began = time.perf_counter()
        verified = run(settings, conninfo, lambda: verify_books(tenant))
        seconds = time.perf_counter() - began
    assert verified.invoices == VERIFIED
    assert not verified.differences, verified.differences[0]
    row(f"verify the books of {VERIFIED:,} invoices", f"{seconds:.1f} s", "", None)
    row("the same, invoices/s", f"{VERIFIED / seconds:.0f}", "", None)


def _lists(url: str, keys: Mapping[int, str], row: Row) -> None:
    many = keys[MANY]
    found = httpx.get(f"{url}{ORDERS}?page=1000", headers={"Authorization": f"Bearer {many}"}).json()["results"][0]
    name = found["customer"]["name"].split()[1]
    few, first = "10 of 1,000", "10 orders of 500,000"
    # What is asked for, by whom, and how long it may take.
    lists = {
        few: (keys[FEW], ORDERS, None),
        first: (many, ORDERS, None),
        "their last page": (many, f"{ORDERS}?page=last", 100),
        "those of a status, 1 %": (many, f"{ORDERS}?status=FRAUDULENT", 10),
        "those of a day": (many, f"{ORDERS}?start_date=2024-05-01&end_date=2024-05-01", 25),
        "search for an order's id": (many, f"{ORDERS}?search={found['id']}", 25),
        "search for a name": (many, f"{ORDERS}?search={name}", 25),
        "search for a name, of 500,000 transactions": (many, f"{TRANSACTIONS}?search={name}", 25),
        "10 transactions of 500,000": (many, TRANSACTIONS, 10),
        "10 invoices of 500,000": (many, "/api/v1/invoices/", 10),
    }
    times: dict[str, list[float]] = {work: [] for work in lists}
    for _ in range(ROUNDS):
        for work, (key, path, _limit) in lists.items():
            round = run_round(url, 1, lambda client, p=path, k=key: client.request("GET", p, k), seconds=0.4)
            assert not round.failures, path
            times[work].append(round.median_milliseconds)
    for work, (_, _, limit) in lists.items():
        taken = statistics.median(times[work])
        must, held = ("", None) if limit is None else (f"{limit} ms", taken <= limit)
        row(work, f"{taken:.1f} ms", must, held)
    ratio = statistics.median(a / b for a, b in zip(times[first], times[few], strict=True))
    row(f"{first} against {few}, time", f"{ratio:.2f}", "1.5", ratio <= 1.5)


def _tenant_of(conninfo: str, invoices: int) -> Tenant:
    """Return the environment that has so many invoices."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("SELECT tenant_id FROM books WHERE invoices = %s", (invoices,)).fetchone()
    assert found is not None
    return Tenant(found[0], None)


def _prepare(directory: Path, cluster_conninfo: str) -> tuple[str, dict[int, str]]:
    """Return a filled database, and the keys of its environments by their orders; kept until the migrations change."""
    checksums = "".join(migration.checksum for migration in known_migrations())
    filled = directory / f"filled-{hashlib.sha256(checksums.encode()).hexdigest()[:12]}.json"
    if filled.exists():
        return make_conninfo(cluster_conninfo, dbname=KEPT), dict(json.loads(filled.read_text()))
    directory.mkdir(parents=True, exist_ok=True)
    conninfo = make_database(cluster_conninfo, KEPT)
    settings = load_settings(data_dir=directory, database_url=conninfo)
    counts = (MANY, FEW, VERIFIED)
    with our_server(directory, conninfo) as ours:
        keys = run(settings, conninfo, lambda: found_shops(len(counts)))
        for key in keys:
            [body] = stock(ours.url, key, 1)
            authorization = {"Authorization": f"Bearer {key}"}
            assert httpx.post(f"{ours.url}{PATH}", content=body, headers=authorization).status_code == 201
    with psycopg.connect(conninfo, autocommit=True, cursor_factory=ClientCursor) as connection:
        sold = connection.execute("SELECT tenant_id FROM orders ORDER BY tenant_id").fetchall()
        for [tenant_id], count in zip(sold, counts, strict=True):
            for statement in FILL:
                connection.execute(statement, {"tenant_id": tenant_id, "count": count})
        for statement in SEQUENCES:
            connection.execute(statement)
        connection.execute("VACUUM (ANALYZE)")
    filled.write_text(json.dumps(list(zip(counts, keys, strict=True))))
    return conninfo, dict(zip(counts, keys, strict=True))
