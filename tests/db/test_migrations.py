"""Migrations are applied once, in order, and never silently differ."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from kelviq_server.platform.migrate import MigrationFault, known_migrations, migrate, pending_migrations


@pytest.fixture
def empty(admin_conninfo: str) -> Iterator[psycopg.Connection[Any]]:
    """A database with nothing in it."""
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        with psycopg.connect(make_conninfo(admin_conninfo, dbname=name), autocommit=True) as connection:
            yield connection
        admin.execute(SQL("DROP DATABASE {}").format(Identifier(name)))


def test_all_are_applied_once(empty: psycopg.Connection[Any]) -> None:
    lines: list[str] = []
    assert [m.name for m in pending_migrations(empty)] == [m.name for m in known_migrations()]
    assert migrate(empty, lines.append) == len(known_migrations()) == len(lines)
    assert migrate(empty) == 0
    assert pending_migrations(empty) == []


def test_an_edited_migration_is_noticed(empty: psycopg.Connection[Any]) -> None:
    migrate(empty)
    empty.execute("UPDATE schema_migrations SET checksum = 'other' WHERE name LIKE '0001%'")
    with pytest.raises(MigrationFault, match="0001_tenants was edited"):
        migrate(empty)


def test_a_database_of_a_newer_version_is_left_alone(empty: psycopg.Connection[Any]) -> None:
    migrate(empty)
    empty.execute("INSERT INTO schema_migrations VALUES ('9999_future', 'x', '2030-01-01')")
    with pytest.raises(MigrationFault, match="newer than this program: it has 9999_future"):
        migrate(empty)


def test_one_that_starts_while_another_migrates_waits_for_its_turn(empty: psycopg.Connection[Any]) -> None:
    applied: list[int] = []
    conninfo = empty.info.dsn

    def start() -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            applied.append(migrate(connection))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [0, 0, len(known_migrations())]
