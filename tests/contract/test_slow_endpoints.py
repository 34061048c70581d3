"""An endpoint that does not answer keeps no other waiting."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.contract.receivers import SILENT, Receivers, receivers
from tests.contract.server import LOOPBACK, running_server

QUICK = [f"/quick/{number}" for number in range(40)]
HANGING = [f"{SILENT}{number}" for number in range(10)]
# More than are on their way to one endpoint at once: each hanging one holds as many places as it can.
CUSTOMERS = 30
# So long the server waits for an answer; by then the test must be over.
PATIENCE_SECONDS = 10


@pytest.fixture
def told() -> Iterator[Receivers]:
    """All endpoints, from before the server until after it."""
    with receivers() as told:
        yield told


@pytest.fixture
def client(told: Receivers, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a server that does nothing else."""
    with running_server(tmp_path, environment=LOOPBACK) as server:
        headers = {"Authorization": f"Bearer {server.sandbox.server}"}
        with httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=30) as client:
            yield client


def create_customers(client: httpx.Client, name: str) -> None:
    """Create several customers at once."""
    with ThreadPoolExecutor(4) as pool:
        bodies = [{"customerId": f"{name}-{number}"} for number in range(CUSTOMERS)]
        answers = list(pool.map(lambda body: client.post("/customers/", json=body), bodies))
    assert [answer.status_code for answer in answers] == [201] * CUSTOMERS


def wait_for_the_quick(told: Receivers, count: int) -> None:
    """Wait until each quick endpoint has so many events, while no hanging one was given up."""
    is_there = told.has_come_true(lambda: all(len(told.event_ids[path]) >= count for path in QUICK), PATIENCE_SECONDS)
    missing = {path: len(told.event_ids[path]) for path in QUICK if len(told.event_ids[path]) < count}
    assert is_there, f"these have fewer than {count} events: {missing}"
    assert all(told.open[path] for path in HANGING), f"not every hanging endpoint was called: {told.open}"
    assert not told.given_up, f"some had hung for their full time: {told.given_up}"


def test_forty_endpoints_are_told_at_once_while_ten_others_hang(told: Receivers, client: httpx.Client) -> None:
    # Some hanging ones before the others, and some after, so that no order favours anybody.
    for path in [*HANGING[:5], *QUICK, *HANGING[5:]]:
        told.listen(client, path)
    begin = time.monotonic()
    create_customers(client, "first")
    wait_for_the_quick(told, CUSTOMERS)
    create_customers(client, "second")
    wait_for_the_quick(told, 2 * CUSTOMERS)
    print(f"all were told after {time.monotonic() - begin:.1f} s")  # noqa: T201
    assert all(len(told.received[path]) == 2 * CUSTOMERS for path in QUICK), "some were told twice"
