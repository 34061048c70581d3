"""Migrations go forward, one after the other, and look at no clock."""

import re
from pathlib import Path

from tests.architecture.rules_time import SQL_CLOCK

_NAME = re.compile(r"(\d{4})(_[a-z0-9]+)+\.sql")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_FAULTS = (
    (SQL_CLOCK, "reads the clock"),
    (re.compile(r"\bDROP\b", re.IGNORECASE), "drops something"),
    # A function's BEGIN has no semicolon.
    (re.compile(r"\b(BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION)\s*;", re.IGNORECASE), "ends its transaction"),
)


def migration_names(root: Path) -> list[str]:
    """Return the files that are out of order: `NNNN_words.sql`, counted from 0001 without a gap."""
    found: list[str] = []
    expected = 1
    for path in sorted((root / "migrations").iterdir()):
        match = _NAME.fullmatch(path.name)
        if match is None:
            found.append(f"migrations/{path.name}: not a name like 0001_words.sql")
        elif int(match[1]) != expected:
            found.append(f"migrations/{path.name}: {expected:04} comes next")
            expected = int(match[1]) + 1
        else:
            expected += 1
    return found


def migration_faults(root: Path) -> list[str]:
    """Return what a migration does not do; comments may say anything."""
    found: list[str] = []
    for path in sorted((root / "migrations").glob("*.sql")):
        # Only the line breaks of a comment stay, so that the lines keep their numbers.
        sql = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), path.read_text())
        for pattern, fault in _FAULTS:
            for match in pattern.finditer(sql):
                line = sql.count("\n", 0, match.start()) + 1
                found.append(f"migrations/{path.name}:{line}: {fault}: {match[0]}")
    return found
