"""The database that a command works on: one's own, the one a running server holds, or one started for the while."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg

if sys.platform != "win32":
    import uvloop

from kelviq_server.platform import embedded
from kelviq_server.platform.database import INSTANCE, Tx, close_pool, open_pool, reading
from kelviq_server.platform.migrate import MigrationFault, migrate, pending_migrations
from kelviq_server.platform.settings import Settings
from kelviq_server.platform.vault import Vault, secret_of, use_vault

T = TypeVar("T")


@dataclass(frozen=True)
class Lent:
    """A database to work on."""

    conninfo: str
    is_ours: bool
    """Whether this process started it."""
    fault: Callable[[], str | None]
    """Tells in one line what makes it useless to go on with it, or None."""


@contextmanager
def database(settings: Settings, say: Callable[[str], None], *, own: bool = False) -> Generator[Lent]:
    """Lend the configured database, else the embedded one, started if nobody runs it.

    With `own`, an embedded one that somebody else runs is refused with DataDirInUse.
    """
    if settings.database_url:
        yield Lent(settings.database_url, is_ours=False, fault=lambda: None)
    elif not own and (running := embedded.find_running(settings.data_dir)):
        yield Lent(running, is_ours=False, fault=lambda: None)
    else:
        server = embedded.start(
            settings.data_dir, bindir=settings.pg_bindir, say=say, max_connections=_connections_needed(settings)
        )
        ended = f"the embedded database ended; see {settings.data_dir / 'postgres.log'}"
        with server as cluster:
            yield Lent(cluster.conninfo, is_ours=True, fault=lambda: None if server.is_running() else ended)


def _connections_needed(settings: Settings) -> int:
    """Return how many connections may be open: each process's and its listener's, the worker's, and commands beside."""
    needed = settings.workers * (settings.pool_size + 1) + settings.pool_size + 20
    return max(embedded.MAX_CONNECTIONS, needed)


def bring_up_to_date(conninfo: str, say: Callable[[str], None]) -> None:
    """Apply pending migrations; raises MigrationFault."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        migrate(connection, say)


def refuse_pending(conninfo: str) -> None:
    """Raise MigrationFault when a migration is pending: not everyone who may use a database may change it."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        pending = pending_migrations(connection)
    if pending:
        raise MigrationFault("the database is not up to date: run `kelviq-server migrate` first")


def lent_tx(read: Callable[[Tx], Awaitable[T]]) -> Callable[[], Coroutine[Any, Any, T]]:
    """Return the piece of work that reads with a transaction of the instance."""

    async def work() -> T:
        async with reading(INSTANCE) as tx:
            return await read(tx)

    return work


def run(settings: Settings, conninfo: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one piece of work on this database."""

    async def connected() -> T:
        use_vault(Vault(secret_of(settings.secret, settings.data_dir)))
        await open_pool(conninfo, settings.pool_size)
        try:
            return await work()
        finally:
            await close_pool()

    # The loop that requests are answered on, too: it takes a third off what a worker needs for a delivery.
    if sys.platform != "win32":
        return uvloop.run(connected())
    return asyncio.run(connected())
