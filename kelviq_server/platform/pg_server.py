"""The server process: its settings, its way up and its way down."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from kelviq_server.platform.pg_cluster import Runner
from kelviq_server.platform.pg_errors import ServerFailed
from kelviq_server.platform.pg_postmaster import FAST_STOP_SECONDS, read_postmaster, wait_until

START_TIMEOUT_SECONDS = 600  # a crash recovery is work, not a hang
PATIENCE_SECONDS = 3
KILL_SECONDS = 10
LOG_LIMIT_BYTES = 10_000_000

# One machine that also runs the product. Durability stays at its defaults:
# fsync and synchronous_commit are on. A log of at most 1 GB replays in seconds.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "shared_buffers": "256MB",
    "huge_pages": "off",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
}


def serve(
    data_dir: Path, socket_dir: Path, runner: Runner, say: Callable[[str], None], max_connections: int
) -> subprocess.Popen[str]:
    """Start the server and return its process when it takes connections."""
    pgdata = data_dir / "postgres"
    log_path = data_dir / "postgres.log"
    if log_path.exists() and log_path.stat().st_size > LOG_LIMIT_BYTES:
        log_path.replace(log_path.with_suffix(".log.1"))
    quoted = '"' + str(socket_dir).replace('"', '""') + '"'
    settings = SETTINGS | {"unix_socket_directories": quoted, "max_connections": str(max_connections)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    log_path.touch(mode=0o600)
    with log_path.open("ab") as log:
        begin = log.tell()
        process = runner.popen(
            [runner.binaries.postgres, "-D", pgdata, *options],
            stdin=subprocess.DEVNULL,
            stdout=log.fileno(),
            death_signal=signal.SIGQUIT,
        )

    def is_settled() -> bool:
        # A file left by an earlier server says ready too, with another number.
        postmaster = read_postmaster(pgdata)
        is_ready = postmaster is not None and postmaster.pid == process.pid and postmaster.is_ready
        return is_ready or process.poll() is not None

    try:
        if not wait_until(is_settled, PATIENCE_SECONDS):
            say("the database is recovering from a crash; this can take a while")
            if not wait_until(is_settled, START_TIMEOUT_SECONDS):
                raise ServerFailed(f"PostgreSQL does not become ready; see {log_path}")
        if process.poll() is not None:
            words = log_path.read_bytes()[begin:][-2000:].decode(errors="replace").strip()
            raise ServerFailed(f"PostgreSQL ended while starting; {log_path} says:\n{words}")
    except BaseException:
        end(process)
        raise
    return process


def end(process: subprocess.Popen[str]) -> None:
    """Fast shutdown; then, if that hangs, an immediate one, which the next start recovers from."""
    for number, timeout_seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, KILL_SECONDS)):
        process.send_signal(number)
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()
