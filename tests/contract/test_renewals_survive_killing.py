"""A server that is killed while it renews bills every period of every subscription once, when it is back."""

import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg

from kelviq_server.platform.embedded import find_running
from tests.contract.killable import Killable, Start
from tests.contract.merchant import buyer, sell_monthly
from tests.contract.test_verify import verify

SUBSCRIBERS, KILLS, SECONDS = 500, 4, 60.0
# Two periods end on the way: a thousand renewals.
BEGIN, TARGET = "2031-04-01T00:00:00Z", "2031-06-15T00:00:00Z"
PERIODS = ["2031-05-01", "2031-06-01"]
RENEWED: LiteralString = "SELECT count(*) FROM orders WHERE period_start IS NOT NULL AND status = 'COMPLETE'"
# So much machine time passes that nobody has anything in hand any more, as after the minute that leases last.
LET_LEASES_END: tuple[LiteralString, ...] = (
    "UPDATE subscriptions SET leased_until = leased_until - interval '2 minutes' WHERE leased_until IS NOT NULL",
    "UPDATE clocks SET leased_until = leased_until - interval '2 minutes' WHERE leased_until IS NOT NULL",
)
# Makes the only subscriber many, with one card.
COPY: tuple[LiteralString, ...] = (
    "INSERT INTO customers (tenant_id, id, external_id, name, email, metadata, billing_address, details, created_at,"
    "  modified_at, active_subscriptions) SELECT tenant_id, md5(id::text || number)::uuid, 'ada-' || number, name,"
    "  email, metadata, billing_address, details, created_at, modified_at, active_subscriptions"
    " FROM customers, generate_series(1, %(count)s) AS number",
    "INSERT INTO payment_methods (tenant_id, customer_id, gateway, gateway_method, method_type, method_data,"
    "  is_default, status, created_at, modified_at) SELECT tenant_id, md5(customer_id::text || number)::uuid, gateway,"
    "  gateway_method, method_type, method_data, is_default, status, created_at, modified_at"
    " FROM payment_methods, generate_series(1, %(count)s) AS number",
    "INSERT INTO subscriptions (tenant_id, id, lineage_id, is_seen, status, billing_type, customer_id, product_id,"
    "  plan_id, version_id, price_id, charge_period, currency, features, amount_units, cycle, time_zone, anchor_at,"
    "  period_index, period_start, period_end, worth, carried, started_at, created_at, modified_at)"
    " SELECT tenant_id, md5(id::text || number)::uuid, md5(id::text || number)::uuid, is_seen, status, billing_type,"
    "  md5(customer_id::text || number)::uuid, product_id, plan_id, version_id, price_id, charge_period, currency,"
    "  features, amount_units, cycle, time_zone, anchor_at, period_index, period_start, period_end, worth, carried,"
    "  started_at, created_at, modified_at FROM subscriptions, generate_series(1, %(count)s) AS number",
)
# Of each subscription where it is, which periods its orders paid, and how often the gateway took money for each.
BILLED: LiteralString = """
    SELECT s.status, s.period_index, s.period_start::date::text,
      json_agg(json_build_array(o.status, o.period_start::date, (SELECT count(*) FROM payment_attempts AS a
        JOIN sandbox_payments AS p ON p.tenant_id = a.tenant_id AND p.key = a.id
        WHERE a.tenant_id = o.tenant_id AND a.subject = o.id AND p.status = 'succeeded')) ORDER BY o.period_start)::text
    FROM subscriptions AS s LEFT JOIN orders AS o ON o.tenant_id = s.tenant_id AND o.lineage_id = s.lineage_id
     AND o.period_start IS NOT NULL
    GROUP BY s.tenant_id, s.id
"""


def database(data_dir: Path) -> "psycopg.Connection[Any]":
    """Connect to the database of the server that runs on this directory."""
    conninfo = find_running(data_dir)
    assert conninfo is not None
    return psycopg.connect(conninfo, autocommit=True)


def counted(connection: "psycopg.Connection[Any]", statement: LiteralString) -> int:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def subscribe(server: Killable, data_dir: Path) -> None:
    """Let so many have a monthly plan since the clock was set to the first of April."""
    with server.client() as api:
        sell_monthly(api)
        buyer(api, "ada")
        body = {"planIdentifier": "pro", "chargePeriod": "MONTHLY", "customerId": "ada"}
        api.post("/subscriptions/create/", json=body).raise_for_status()
    with database(data_dir) as connection:
        for statement in COPY:
            connection.execute(statement, {"count": SUBSCRIBERS - 1})


def move_clock(server: Killable) -> threading.Thread:
    """Ask for the clock to be moved, as somebody who may never be answered."""

    def move() -> None:
        with server.client() as api:
            try:
                api.post("/sandbox/clock/", json={"now": TARGET})
            except httpx.HTTPError:
                return

    thread = threading.Thread(target=move)
    thread.start()
    return thread


def wait_for(connection: "psycopg.Connection[Any]", renewals: int) -> None:
    """Wait until so many are paid."""
    until = time.monotonic() + SECONDS
    while (found := counted(connection, RENEWED)) < renewals:
        assert time.monotonic() < until, f"only {found} of {renewals} renewed"


def wait_for_arrival(connection: "psycopg.Connection[Any]") -> None:
    """Wait until the clock stands at its target."""
    until = time.monotonic() + SECONDS
    while not counted(connection, "SELECT count(*) FROM clocks WHERE frozen_at = '2031-06-15Z' AND target IS NULL"):
        assert time.monotonic() < until, "the clock never arrived"


def test_every_period_is_billed_once_though_the_server_is_killed_while_it_renews(
    start_again: Start, tmp_path: Path
) -> None:
    server = start_again()
    subscribe(server, tmp_path)
    asked = move_clock(server)
    left = 0
    for kill in range(KILLS):
        with database(tmp_path) as connection:
            wait_for(connection, (kill + 1) * 190 - 13 * kill)
            server.kill()
        asked.join()
        server = start_again()
        with database(tmp_path) as connection:
            left += counted(connection, "SELECT count(*) FROM payment_attempts WHERE status = 'pending'")
            assert counted(connection, RENEWED) < SUBSCRIBERS * len(PERIODS), "it was killed in the midst"
            for statement in LET_LEASES_END:
                connection.execute(statement)
    assert left, "payments were on their way when it was killed"
    with database(tmp_path) as connection:
        wait_for_arrival(connection)
        billed = Counter(connection.execute(BILLED).fetchall())
        taken = connection.execute(
            "SELECT status, amount_units, count(*) FROM sandbox_payments WHERE created_at > %s GROUP BY 1, 2", (BEGIN,)
        ).fetchall()
        done = verify(connection.info.dsn, tmp_path)
    orders = ", ".join(f'["COMPLETE", "{day}", 1]' for day in PERIODS)
    assert [(json.loads(each[3]), each[:3], count) for each, count in billed.items()] == [
        (json.loads(f"[{orders}]"), ("active", 2, PERIODS[-1]), SUBSCRIBERS)
    ]
    assert taken == [("succeeded", 10000, SUBSCRIBERS * len(PERIODS))]
    assert done.returncode == 0, done.stdout + done.stderr
    server.stop()
