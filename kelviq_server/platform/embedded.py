"""The embedded PostgreSQL: started with the product, stopped with it, never left behind.

Everything lives in one data directory: `postgres` (PGDATA), `postgres.log`,
`run` (the socket, or a link to it where the path is too long) and `lock`.
On Linux the kernel ends the server when this process dies, however it dies;
elsewhere the next start does.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg.conninfo import make_conninfo

from kelviq_server.platform.pg_binaries import find_binaries
from kelviq_server.platform.pg_cluster import NAME, Runner, check_version, create_cluster
from kelviq_server.platform.pg_errors import DataDirInUse
from kelviq_server.platform.pg_postmaster import clear_the_way, find_postmaster
from kelviq_server.platform.pg_server import end, serve
from kelviq_server.platform.privileges import account_for, capability_for

SOCKET_NAME = ".s.PGSQL.5432"
MAX_CONNECTIONS = 100
SOCKET_PATH_LIMIT_BYTES = 103  # macOS; Linux takes four more


@dataclass(frozen=True)
class Cluster:
    """What a caller needs to use the database: `conninfo` is libpq's, without a password."""

    conninfo: str
    pid: int


class EmbeddedPostgres:
    """A running server that belongs to this process; `stop` it, or leave its `with` block."""

    def __init__(self, cluster: Cluster, process: subprocess.Popen[str], run: Path, lock: IO[str]) -> None:
        self.cluster = cluster
        self._process = process
        self._run = run
        self._lock = lock

    def __enter__(self) -> Cluster:
        return self.cluster

    def __exit__(self, *_: object) -> None:
        self.stop()

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server: open transactions roll back, what is committed is on disk. Safe to call twice."""
        end(self._process)
        _clear_socket_dir(self._run)
        self._lock.close()


def start(
    data_dir: Path,
    *,
    bindir: Path | None = None,
    say: Callable[[str], None],
    max_connections: int = MAX_CONNECTIONS,
) -> EmbeddedPostgres:
    """Start PostgreSQL on data_dir and return it when it takes connections.

    Call it in the main thread: the kernel ends the server with the thread that
    started it. Raises an EmbeddedError whose message is for the operator.
    """
    assert threading.current_thread() is threading.main_thread(), "start the database in the main thread"
    binaries = find_binaries(bindir)
    # 0711 lets the server's account pass through to its own directories, and see nothing else.
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    data_dir = data_dir.resolve()
    run = data_dir / "run"
    lock = _take_lock(data_dir)
    try:
        pgdata = data_dir / "postgres"
        account = account_for(pgdata)
        if pgdata.exists():
            check_version(pgdata, binaries)
            clear_the_way(pgdata, say)
        socket_dir = _make_socket_dir(run)
        reached = [data_dir, socket_dir.parent, binaries.initdb, binaries.postgres]
        runner = Runner(binaries, account, capability_for(account, reached))
        runner.give(socket_dir)
        if not pgdata.exists():
            create_cluster(pgdata, runner, say)
        process = serve(data_dir, socket_dir, runner, say, max_connections)
    except BaseException:
        _clear_socket_dir(run)
        lock.close()
        raise
    return EmbeddedPostgres(Cluster(_conninfo(socket_dir), process.pid), process, run, lock)


def find_running(data_dir: Path) -> str | None:
    """Return the conninfo of the server that runs on data_dir and takes connections, or None."""
    postmaster = find_postmaster(data_dir.resolve() / "postgres")
    return _conninfo(postmaster.socket_dir) if postmaster is not None and postmaster.is_ready else None


def _conninfo(socket_dir: Path | str) -> str:
    return make_conninfo(host=str(socket_dir), port=5432, dbname=NAME, user=NAME)


def _take_lock(data_dir: Path) -> IO[str]:
    """Return the open lock file; the kernel drops the lock when this process is gone, however it went."""
    lock = (data_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        message = f"another kelviq-server (process {holder}) is running on {data_dir}"
        raise DataDirInUse(message) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _make_socket_dir(run: Path) -> Path:
    """Return an empty private directory for the socket: run itself, or where the link run points to."""
    _clear_socket_dir(run)
    # libpq reads a comma as the beginning of a second host.
    if len(os.fsencode(run / SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES and "," not in str(run):
        run.mkdir(mode=0o700)
        return run
    place = Path(tempfile.mkdtemp(prefix="kelviq-")).resolve()
    run.symlink_to(place)
    return place


def _clear_socket_dir(run: Path) -> None:
    if run.is_symlink():
        place = run.readlink()
        if place.name.startswith("kelviq-"):
            shutil.rmtree(place, ignore_errors=True)
        run.unlink()
    elif run.exists():
        shutil.rmtree(run)
