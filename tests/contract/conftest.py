"""One whole server for each worker process; an organization for whoever asks."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import TEMPLATE
from tests.contract import node_client
from tests.contract.killable import Killable, Start, start
from tests.contract.server import LOOPBACK, Provisioned, Server, provision, running_server

_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a database of its own; webhooks may reach loopback."""
    with running_server(tmp_path_factory.mktemp("server"), environment=LOOPBACK) as server:
        yield server


@pytest.fixture(scope="session")
def partner_key(server: Server) -> str:
    """The key of a partner, who can provision organizations."""
    return server.command("partner", "create", "Contract tests")


@pytest.fixture
def organization(server: Server, partner_key: str) -> Provisioned:
    """A new organization, empty."""
    return provision(server, partner_key, f"organization-{next(_numbers)}")


@pytest.fixture
def sandbox(server: Server) -> str:
    """The server key of a new organization's sandbox, where cards can be saved."""
    return server.found(f"Sandbox {next(_numbers)}")


@pytest.fixture(params=["sync", "async"])
def way(request: pytest.FixtureRequest) -> str:
    """The two ways in which the official Python client is called."""
    return request.param


@pytest.fixture
def start_again(tmp_path: Path) -> Iterator[Start]:
    """Starts servers, one after the other, on one data directory; webhooks may reach loopback.

    Whichever still runs after the test is killed.
    """
    started: list[Killable] = []

    def start_one(*options: str) -> Killable:
        started.append(start(tmp_path, *options, environment=LOOPBACK))
        return started[-1]

    yield start_one
    for server in started:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture(scope="session")
def server_without_database(
    admin_conninfo: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server whose database let it start and then went away."""
    name = f"kelviq_gone_{worker_id}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(TEMPLATE)}
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        database = make_conninfo(admin_conninfo, dbname=name)
        with running_server(tmp_path_factory.mktemp("gone"), "--database-url", database) as server:
            # Unlike to forbid connections and to end those that are there: one that is being made escapes that.
            admin.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))
            yield server


@pytest.fixture(scope="session")
def installed() -> None:
    """The official Node client, installed."""
    node_client.install()
