"""One whole server for each worker process; an organization for whoever asks."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.contract.server import Provisioned, Server, provision, running_server

_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a database of its own."""
    with running_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="session")
def partner_key(server: Server) -> str:
    """The key of a partner, who can provision organizations."""
    return server.command("partner", "create", "Contract tests")


@pytest.fixture
def organization(server: Server, partner_key: str) -> Provisioned:
    """A new organization, empty."""
    return provision(server, partner_key, f"organization-{next(_numbers)}")
