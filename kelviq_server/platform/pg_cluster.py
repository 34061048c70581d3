"""PGDATA: made once, whole or not at all, with the role and the database of the product in it."""

import locale
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kelviq_server.platform.pg_binaries import Binaries
from kelviq_server.platform.pg_errors import AccountBlocked, ServerFailed, VersionMismatch
from kelviq_server.platform.pg_postmaster import wait_until
from kelviq_server.platform.privileges import Account, child_setup

NAME = "kelviq"
SETUP_TIMEOUT_SECONDS = 300

# Run by `postgres --single`, one command a line. Not a superuser: what the
# product can be tricked into, it can then do to its own database only.
SETUP_SQL = f"CREATE ROLE {NAME} LOGIN NOSUPERUSER CREATEDB\nCREATE DATABASE {NAME} OWNER {NAME}\n"


# glibc: keep what a query gave back, up to 16 MiB, instead of asking the kernel for fresh pages each
# time. A page of a list is one text of half a megabyte; new pages for it cost more than making it.
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(8 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}


@dataclass(frozen=True)
class Runner:
    """How PostgreSQL's programs are run here: which ones, as whom, with which capability."""

    binaries: Binaries
    account: Account | None
    capability: int | None

    def popen(self, command: list[str | Path], *, stdin: int, stdout: int, death_signal: int) -> subprocess.Popen[str]:
        """Start a program as a child that dies with us, out of reach of the terminal's Ctrl-C."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        try:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env=environment | {"LC_ALL": "C"} | MEMORY,
                start_new_session=True,
                preexec_fn=child_setup(self.account, self.capability, death_signal),  # noqa: PLW1509
            )
        except subprocess.SubprocessError as error:
            name = self.account.name if self.account else "of ours"
            raise AccountBlocked(f"{command[0]} cannot be run under the account {name}: {error}") from error

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or directory."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


def check_version(pgdata: Path, binaries: Binaries) -> None:
    """Refuse data of another major version, before a server touches them."""
    written = (pgdata / "PG_VERSION").read_text().strip()
    if written != str(binaries.major):
        raise VersionMismatch(
            f"{pgdata} was written by PostgreSQL {written}, but {binaries.bindir} has {binaries.major}; "
            f"set KELVIQ_PG_BINDIR to binaries of PostgreSQL {written}, or move the data with pg_upgrade"
        )


def create_cluster(pgdata: Path, runner: Runner, say: Callable[[str], None]) -> None:
    """Make pgdata under another name, renamed when complete: a kill leaves nothing half-made."""
    say("preparing the database (first start)")
    new = pgdata.with_name(pgdata.name + ".new")
    # A killed initdb's own child may still be writing for a moment.
    if not wait_until(lambda: _is_removed(new), timeout_seconds=10):
        raise ServerFailed(f"the remains of an interrupted first start cannot be removed: {new}")
    new.mkdir(mode=0o700)
    runner.give(new)
    _run(runner, [runner.binaries.initdb, "-D", new, *initdb_options(runner.binaries.major)])
    _run(
        runner,
        [runner.binaries.postgres, "--single", "-D", new, "-c", "exit_on_error=on", "postgres"],
        SETUP_SQL,
    )
    new.rename(pgdata)
    parent = os.open(pgdata.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def initdb_options(major: int) -> list[str]:
    """Return the options that make the same cluster everywhere: UTF8, sorted by code point.

    The builtin provider (17) does not change with the C library. What a letter
    is, pg_trgm asks the library even in 18, hence the second locale.
    """
    options = ["-U", "postgres", "-E", "UTF8", "--auth=trust", "--locale=C", f"--lc-ctype={_letters()}"]
    if major >= 17:
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return options


def _letters() -> str:
    """Return the name of a UTF-8 locale this system has; plain C knows no letters beyond ASCII."""
    before = locale.setlocale(locale.LC_CTYPE)
    for name in ("C.UTF-8", "en_US.UTF-8"):
        try:
            locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_CTYPE, before)
        return name
    return "C"


def _run(runner: Runner, command: list[str | Path], text: str = "") -> None:
    pipe = subprocess.PIPE
    with runner.popen(command, stdin=pipe, stdout=pipe, death_signal=signal.SIGKILL) as process:
        try:
            said, _ = process.communicate(text, timeout=SETUP_TIMEOUT_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise ServerFailed(f"{Path(command[0]).name} failed:\n{said[-2000:].strip()}")


def _is_removed(path: Path) -> bool:
    shutil.rmtree(path, ignore_errors=True)
    return not path.exists()
