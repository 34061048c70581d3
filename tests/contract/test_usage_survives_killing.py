"""Whatever was acknowledged counts exactly once, though the server is killed, and clients send again what they may not
have been told of."""

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.contract.killable import Killable, start
from tests.contract.merchant import buyer, sell_metered

KILLS, CLIENTS = 4, 8
VALUE = 3


@dataclass
class Reporter:
    """A client that reports one thing after the other, under keys of its own, until each is acknowledged."""

    number: int
    acknowledged: int = 0

    def report(self, client: httpx.Client) -> None:
        """Report until the server is gone."""
        while True:
            key = f"{self.number}-{self.acknowledged}"
            is_batch = self.acknowledged % 5 == 4
            body = {
                "value": VALUE, "customerId": "ada", "featureId": "calls", "behaviour": "DELTA", "idempotencyKey": key,
            }  # fmt: skip
            try:
                if is_batch:
                    answer = client.post("/report/usage/batch/", json={"reports": [body, body]}).raise_for_status()
                    assert [each["status"] for each in answer.json()["results"]] == [200, 200]
                else:
                    client.post("/report/usage/", json=body).raise_for_status()
            except httpx.TransportError:
                return
            self.acknowledged += 1


@dataclass
class Load:
    """All reporters, at one server, until it is gone."""

    server: Killable
    reporters: list[Reporter]
    threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def __post_init__(self) -> None:
        self.threads = [threading.Thread(target=self._run, args=(each,)) for each in self.reporters]
        for thread in self.threads:
            thread.start()

    def _run(self, reporter: Reporter) -> None:
        with self.server.client() as client:
            reporter.report(client)

    def waits_for(self, number: int) -> None:
        """Wait until so many more reports are acknowledged."""
        wanted = sum(each.acknowledged for each in self.reporters) + number
        while sum(each.acknowledged for each in self.reporters) < wanted:
            assert self.server.process.poll() is None
            threading.Event().wait(0.005)

    def join(self) -> None:
        """Wait until every client has noticed that the server is gone."""
        for thread in self.threads:
            thread.join()


def counted(server: Killable) -> int:
    with server.client() as client:
        answer = client.get("/entitlements/", params={"customer_id": "ada", "feature_id": "calls"})
        return answer.json()["entitlements"][0]["currentUsage"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """The data of a server that sells meters, and has a customer who bought them."""
    server = start(tmp_path)
    with server.client() as api:
        sell_metered(api)
        buyer(api, "ada")
        body = {"planIdentifier": "metered", "chargePeriod": "MONTHLY", "customerId": "ada"}
        api.post("/subscriptions/create/", json=body).raise_for_status()
    server.stop()
    return tmp_path


def test_every_acknowledged_report_counts_once(data_dir: Path) -> None:
    chance = random.Random(20261126)
    reporters = [Reporter(number) for number in range(CLIENTS)]
    for _ in range(KILLS):
        server = start(data_dir)
        load = Load(server, reporters)
        load.waits_for(chance.randint(50, 400))
        server.kill()
        load.join()
    server = start(data_dir)
    acknowledged = sum(each.acknowledged for each in reporters)
    # Each has sent one more, of which nobody knows whether it counts.
    assert acknowledged * VALUE <= counted(server) <= (acknowledged + CLIENTS) * VALUE
    with server.client() as client:
        for each in reporters:
            key = f"{each.number}-{each.acknowledged}"
            body = {
                "value": VALUE, "customerId": "ada", "featureId": "calls", "behaviour": "DELTA", "idempotencyKey": key,
            }  # fmt: skip
            client.post("/report/usage/", json=body).raise_for_status()
    assert counted(server) == (acknowledged + CLIENTS) * VALUE
    server.stop()
