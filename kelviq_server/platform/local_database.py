"""The database that a command works on: one's own, the one a running server holds, or one started for the while."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from kelviq_server.platform import embedded
from kelviq_server.platform.database import close_pool, open_pool
from kelviq_server.platform.migrate import migrate
from kelviq_server.platform.settings import Settings
from kelviq_server.platform.vault import Vault, secret_of, use_vault

T = TypeVar("T")


@contextmanager
def database(settings: Settings, say: Callable[[str], None], *, own: bool = False) -> Generator[str]:
    """Lend the conninfo of the configured database, else of the embedded one, started if nobody runs it.

    With `own`, an embedded one that somebody else runs is refused with DataDirInUse.
    """
    if settings.database_url:
        yield settings.database_url
    elif not own and (running := embedded.find_running(settings.data_dir)):
        yield running
    else:
        with embedded.start(settings.data_dir, bindir=settings.pg_bindir, say=say) as cluster:
            yield cluster.conninfo


def bring_up_to_date(conninfo: str, say: Callable[[str], None]) -> None:
    """Apply pending migrations; raises MigrationFault."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        migrate(connection, say)


def run(settings: Settings, conninfo: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one piece of work on this database."""

    async def connected() -> T:
        use_vault(Vault(secret_of(settings.secret, settings.data_dir)))
        await open_pool(conninfo, settings.pool_size)
        try:
            return await work()
        finally:
            await close_pool()

    return asyncio.run(connected())
