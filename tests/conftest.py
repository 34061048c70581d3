"""One PostgreSQL cluster for the whole run, one database for each worker process, one organization for each test."""

from collections.abc import AsyncIterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from kelviq_server.billing.orders.steps import use_order_followers
from kelviq_server.billing.verification.steps import use_more_questions
from kelviq_server.platform import embedded
from kelviq_server.platform.database import close_pool, open_pool
from kelviq_server.platform.file_store import use_file_store
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.platform.migrate import migrate
from kelviq_server.platform.outgoing import Outgoing, use_outgoing
from kelviq_server.platform.vault import Vault, use_vault
from kelviq_server.worker import order_followers, questions
from tests import make
from tests.make import Made

TEMPLATE = "kelviq_template"
# Where webhooks may go besides the public internet.
LOOPBACK: list[IPv4Network | IPv6Network] = [IPv4Network("127.0.0.0/8")]
SECRET = "a secret for tests only, of a good length"


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    directory = TemporaryDirectory(prefix="kelviq-tests-")
    cluster = embedded.start(Path(directory.name), say=lambda line: None)
    with psycopg.connect(cluster.cluster.conninfo, autocommit=True) as connection:
        # A run is thrown away whole: it need not survive a power cut. Killing is tested with servers of its own.
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with psycopg.connect(make_conninfo(cluster.cluster.conninfo, dbname=TEMPLATE), autocommit=True) as connection:
        migrate(connection)
        # What the server never asks, and tests ask all the time: which events are about a customer.
        connection.execute("CREATE INDEX ON outbox (tenant_id, customer_id)")
    config.stash[_CLUSTER] = (cluster, directory)


_CLUSTER: pytest.StashKey[Any] = pytest.StashKey()


def pytest_configure_node(node: Any) -> None:
    node.workerinput["conninfo"] = node.config.stash[_CLUSTER][0].cluster.conninfo


def pytest_unconfigure(config: pytest.Config) -> None:
    if _CLUSTER in config.stash:
        cluster, directory = config.stash[_CLUSTER]
        cluster.stop()
        directory.cleanup()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def admin_conninfo(pytestconfig: pytest.Config) -> str:
    """Where databases can be created."""
    if hasattr(pytestconfig, "workerinput"):
        return pytestconfig.workerinput["conninfo"]  # pyright: ignore
    return pytestconfig.stash[_CLUSTER][0].cluster.conninfo


@pytest.fixture(scope="session")
def conninfo(admin_conninfo: str, worker_id: str) -> str:
    """A migrated database of this worker's own."""
    name = f"kelviq_{worker_id}"
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(TEMPLATE)))
    return make_conninfo(admin_conninfo, dbname=name)


@pytest.fixture(scope="session")
async def pool(conninfo: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    """This process's connections, as the server has them."""
    use_vault(Vault(SECRET))
    use_file_store(LocalFiles(tmp_path_factory.mktemp("media"), SECRET.encode()))
    outgoing = Outgoing(LOOPBACK)
    use_outgoing(outgoing)
    use_order_followers(order_followers())
    use_more_questions(questions())
    await open_pool(conninfo, size=40)
    yield
    await outgoing.close()
    await close_pool()


@pytest.fixture
async def made(pool: None) -> Made:
    """A new organization with its two environments and its keys."""
    return await make.organization()
