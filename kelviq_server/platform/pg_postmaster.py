"""What `postmaster.pid` says, and whether it still holds.

The file outlives a killed server and then names a process that is gone, or a
stranger that got its number; so its word counts only together with a look at
the process. Format: PostgreSQL's src/include/utils/pidfile.h.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kelviq_server.platform.pg_errors import ServerFailed

FAST_STOP_SECONDS = 60
DYING_SECONDS = 1


@dataclass(frozen=True)
class Postmaster:
    pid: int
    socket_dir: str
    is_ready: bool


def read_postmaster(pgdata: Path) -> Postmaster | None:
    """Return what the file says, true or stale; None without a file or while it is being written."""
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].lstrip("-").isdigit():
        return None
    lines += [""] * (8 - len(lines))
    # A single-user server writes its number negative.
    return Postmaster(abs(int(lines[0])), socket_dir=lines[4], is_ready=lines[7].strip() == "ready")


def find_postmaster(pgdata: Path) -> Postmaster | None:
    """Return the server that really runs on pgdata now, whoever started it."""
    named = read_postmaster(pgdata)
    return named if named is not None and _serves(named.pid, pgdata) else None


def clear_the_way(pgdata: Path, say: Callable[[str], None]) -> None:
    """See off a server that a killed launcher left behind, and a pid file that would stop a new one.

    The caller holds the data directory's lock, so such a server has no master.
    """
    left = find_postmaster(pgdata)
    if left is not None:
        say(f"waiting for an earlier database server (process {left.pid}) to end")
        if not wait_until(lambda: not _serves(left.pid, pgdata), DYING_SECONDS):
            os.kill(left.pid, signal.SIGINT)
            if not wait_until(lambda: not _serves(left.pid, pgdata), FAST_STOP_SECONDS):
                raise ServerFailed(f"an earlier database server (process {left.pid}) does not end; stop it")
    # PostgreSQL clears a stale file away itself, unless a stranger has been given its number.
    stale = read_postmaster(pgdata)
    if stale is not None and _exists(stale.pid) and not _serves(stale.pid, pgdata):
        (pgdata / "postmaster.pid").unlink()


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Return True as soon as the condition holds, False when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _serves(pid: int, pgdata: Path) -> bool:
    """Say whether the process is a postgres started on pgdata; a zombie has no command line."""
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return Path(os.fsdecode(words[0])).name == "postgres" and os.fsencode(pgdata) in words
    listed = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in listed.stdout and str(pgdata) in listed.stdout
