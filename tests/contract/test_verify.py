"""`kelviq-server verify`: finds the books of a server in order, and says what somebody changed in them by hand."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import TEMPLATE
from tests.contract.merchant import buyer, charge_of, merchant, sell_once
from tests.contract.server import running_server


@pytest.fixture
def database(admin_conninfo: str, worker_id: str) -> str:
    """A migrated database of this test's own."""
    name = f"kelviq_verified_{worker_id}"
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    return make_conninfo(admin_conninfo, dbname=name)


def verify(database: str, data_dir: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "kelviq_server", "verify", "--data-dir", str(data_dir), "--database-url", database]
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("KELVIQ_", "PG"))}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=ours)


def test_books_are_verified_and_what_was_changed_by_hand_is_found(database: str, tmp_path: Path) -> None:
    with (
        running_server(tmp_path, "--database-url", database) as server,
        merchant(server.url, server.sandbox.server) as api,
    ):
        sell_once(api)
        buyer(api, "ada")
        orders = [api.post("/charges/", json=charge_of("ada")).json()["orderId"] for _ in range(3)]
        api.post("/refunds/", json={"orderId": orders[0], "amount": 9}).raise_for_status()
        # Beside the server, which goes on answering.
        done = verify(database, tmp_path)
        assert (done.returncode, done.stdout) == (
            0, "3 invoices, 0 reports and the books of 2 environments verified: no difference\n"
        ), done.stderr  # fmt: skip

        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("UPDATE orders SET refunded_units = 899 WHERE id = %s", (orders[0],))
            connection.execute(
                "UPDATE status_tallies SET count = count + 1 WHERE list = 'transactions' AND status = 'success'"
            )
        found = verify(database, tmp_path)
        assert found.returncode == 1, found.stderr
        assert "2 differences in the books of 2 environments" in found.stderr
        refunds = next(line for line in found.stdout.splitlines() if "refunds of order" in line)
        assert all(part in refunds for part in (orders[0], "[900, 900]", "[900, 899]"))
        tallies = next(line for line in found.stdout.splitlines() if "count of transactions" in line)
        assert "success" in tallies
