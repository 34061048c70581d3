"""Applies the SQL files of `migrations/`, in order, each once; forward only."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString, cast

from psycopg import Connection
from psycopg.sql import SQL

# Any number will do, as long as nothing else takes the same: "kelv" in ASCII.
_LOCK = 0x6B656C76

_INSTALLED = Path(__file__).parent.parent / "_migrations"
_CHECKOUT = Path(__file__).parent.parent.parent / "migrations"


class MigrationFault(Exception):
    """The database and the migrations do not fit together; the message says how."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Return what tells an edited file from the one that was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known_migrations() -> list[Migration]:
    """Return the migrations that this version of the program brings, in order."""
    folder = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    return [Migration(path.stem, path.read_text()) for path in sorted(folder.glob("*.sql"))]


def pending_migrations(connection: Connection[Any]) -> list[Migration]:
    """Return what is still to be applied.

    Raises MigrationFault when an applied file was edited since, or the database is of a newer version.
    """
    exists = connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    rows = connection.execute("SELECT name, checksum FROM schema_migrations").fetchall() if exists and exists[0] else []
    applied: dict[str, str] = dict(rows)
    known = known_migrations()
    for migration in known:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise MigrationFault(f"migration {migration.name} was edited after it was applied")
    unknown = applied.keys() - {migration.name for migration in known}
    if unknown:
        raise MigrationFault(f"the database is newer than this program: it has {', '.join(sorted(unknown))}")
    return [migration for migration in known if migration.name not in applied]


def migrate(connection: Connection[Any], say: Callable[[str], None] = lambda line: None) -> int:
    """Apply what is pending, each file in a transaction of its own, and return how many there were.

    Processes that start together take turns.
    """
    version = connection.info.server_version // 10000
    if not 15 <= version <= 18:
        raise MigrationFault(f"PostgreSQL {version} is not supported; 15 to 18 are")
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)"
        )
        pending = pending_migrations(connection)
        for migration in pending:
            say(f"migrating: {migration.name}")
            with connection.transaction():
                # A migration that waits for a lock makes everybody behind it wait too.
                connection.execute("SET LOCAL lock_timeout = '5s'")
                connection.execute("SET LOCAL statement_timeout = '30min'")
                connection.execute(SQL(cast(LiteralString, migration.sql)))
                connection.execute(
                    "INSERT INTO schema_migrations VALUES (%s, %s, %s)",
                    (migration.name, migration.checksum, datetime.now(UTC)),
                )
        return len(pending)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
