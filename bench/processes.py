"""Starts the servers that are measured, each in a process of its own, and stops them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo


@dataclass(frozen=True)
class Running:
    """A server that takes requests."""

    url: str
    pid: int

    def peak_megabytes(self) -> float:
        """Return the most memory the process has had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    @contextmanager
    def at_rest(self) -> Generator[None]:
        """Let the process do nothing inside the block."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def forget_peak(self) -> None:
        """Measure the peak from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def our_server(
    data_dir: Path, database_url: str | None = None, settings: Mapping[str, str] | None = None
) -> Generator[Running]:
    """Run kelviq-server with one worker process, and with these variables of the environment."""
    command = [sys.executable, "-m", "kelviq_server", "serve", "--port", "0", "--data-dir", str(data_dir)]
    if database_url:
        command += ["--database-url", database_url]
    log = (data_dir / "server.log").open("w")
    environment = os.environ | dict(settings or {})
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith("ready ")), None)
            if line is None:
                raise SystemExit(f"the server did not start; see {log.name}")
            yield Running(line.split()[1], process.pid)
        finally:
            process.terminate()


@contextmanager
def bare_server(app: str, conninfo: str, tenant_id: int, port: int) -> Generator[Running]:
    """Run a bare application under the same uvicorn settings as ours."""
    command = [sys.executable, "-m", "uvicorn", f"bench.bare:{app}", "--port", str(port), "--http", "httptools"]
    command += ["--loop", "uvloop", "--no-access-log", "--no-proxy-headers", "--no-server-header"]
    environment = os.environ | {"BENCH_CONNINFO": conninfo, "BENCH_TENANT": str(tenant_id)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            next(line for line in process.stderr if "running on" in line)
            yield Running(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


def keys(data_dir: Path) -> dict[str, str]:
    """Return the server keys of the two environments."""
    document = json.loads((data_dir / "keys.json").read_text())
    return {name: document[name]["serverKey"] for name in ("sandbox", "production")}


def command(*arguments: str) -> None:
    """Run kelviq-server with these arguments, showing what it says."""
    subprocess.run([sys.executable, "-m", "kelviq_server", *arguments], check=True)


def database_cpu_seconds(watching: psycopg.Connection[Any]) -> float:
    """Return how long the processes computed that serve the others on this database, since they began."""
    pids = watching.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchall()
    return sum(cpu_seconds(pid) for [pid] in pids)


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed."""
    # After the name, which may hold anything; user and system time are the 14th and 15th fields.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_database(cluster_conninfo: str, name: str, template: str = "template1") -> str:
    """Make a database, anew, like another one, and return its conninfo."""
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(cluster_conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {name}").format(**names))
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy").format(**names))
    return make_conninfo(cluster_conninfo, dbname=name)
