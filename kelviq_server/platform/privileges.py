"""What a PostgreSQL child runs as: which account, with which capability, and until when.

PostgreSQL refuses to run as root. A root launcher gives its child another
account; where that account cannot walk to its files (a data directory below
/root, a test's 0700 directory), the child keeps one ambient capability instead
of the parents being opened to everybody.
"""

import ctypes
import os
import pwd
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kelviq_server.platform.pg_errors import AccountBlocked

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8

_PR_SET_PDEATHSIG = 1
_PR_GET_SECUREBITS = 27
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 4
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


def account_for(pgdata: Path) -> Account | None:
    """Return the account a root launcher hands pgdata to; None when we are not root.

    Existing data keep the owner they have: an account `postgres` that appears
    later must not lock the server out of what `nobody` wrote.
    """
    if os.geteuid() != 0:
        return None
    if pgdata.exists() and (owner := pgdata.stat()).st_uid != 0:
        return Account(f"number {owner.st_uid}", owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise AccountBlocked("PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody`")


def capability_for(account: Account | None, paths: list[Path]) -> int | None:
    """Return the one capability the account needs to reach the paths, or None when it needs none.

    The paths are directories to enter and programs to run. Of the two
    capabilities that open a way, the first only reads; a program without its
    x bit needs the other.
    """
    if account is None:
        return None
    steps = {step for path in paths for step in (path, *path.parents)}
    blocked = sorted(step for step in steps if not _may_enter(step, account))
    if not blocked:
        return None
    held = _permitted_capabilities()
    if held >> CAP_SETPCAP & 1:
        if held >> CAP_DAC_READ_SEARCH & 1 and all(step.is_dir() for step in blocked):
            return CAP_DAC_READ_SEARCH
        if held >> CAP_DAC_OVERRIDE & 1:
            return CAP_DAC_OVERRIDE
    raise AccountBlocked(
        f"PostgreSQL must run as the account {account.name} here, which cannot enter {blocked[0]}; keep the "
        "data (--data-dir /var/lib/kelviq-server) and the programs (KELVIQ_PG_BINDIR) where it can"
    )


def child_setup(account: Account | None, capability: int | None, death_signal: int) -> Callable[[], None]:
    """Return what a child does between fork and exec, to run under the account and die with us.

    The death signal is set last, because changing the account clears it; the
    kernel sends it when the thread that forked ends, so fork in the main one.
    """
    parent = os.getpid()
    on_linux = sys.platform == "linux"
    libc = ctypes.CDLL(None, use_errno=True) if on_linux else None

    def prctl(option: int, *values: int) -> int:
        assert libc is not None
        return _checked(libc.prctl(option, *[ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]))

    def keep_only(capability: int) -> None:
        assert libc is not None
        mask = 1 << capability
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        # Two triples of effective, permitted, inheritable: the low and the high 32 bits.
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        _checked(libc.capset(header, sets))
        prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)

    def setup() -> None:
        if account is not None:
            if capability is not None:
                # Keeps what we have across setuid, and lets access(2) heed it: initdb asks that of
                # its own programs, and without this bit any account but root is told no.
                prctl(_PR_SET_SECUREBITS, prctl(_PR_GET_SECUREBITS) | _SECBIT_NO_SETUID_FIXUP)
            os.setgroups([account.gid])
            os.setgid(account.gid)
            os.setuid(account.uid)
            if capability is not None:
                keep_only(capability)
        if on_linux:
            prctl(_PR_SET_PDEATHSIG, death_signal)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)

    return setup


def _may_enter(path: Path, account: Account) -> bool:
    facts = path.stat()
    shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid == account.gid else 0
    return bool(facts.st_mode >> shift & 1)


def _permitted_capabilities() -> int:
    """Return the bits this process may use or pass on; 0 where the system has no such thing."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^CapPrm:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
