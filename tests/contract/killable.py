"""A server that a test may kill, and clients that keep it busy meanwhile."""

import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.contract.server import _command, _environment, _ready_address


@dataclass
class Killable:
    """A started server process."""

    process: subprocess.Popen[str]
    url: str
    key: str

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.close()

    def stop(self) -> None:
        """End it as an operator would, and see that it ended in order."""
        self.process.terminate()
        self.close()
        assert self.process.returncode == 0

    def close(self) -> None:
        """Wait until it has ended."""
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self) -> httpx.Client:
        """Return a client with the sandbox's server key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30)


# Starts a server with these options.
Start = Callable[..., Killable]


def start(data_dir: Path, *options: str, log: str = "stderr", environment: Mapping[str, str] | None = None) -> Killable:
    """Start a server on this data directory and return it when it is ready; `environment` is set besides ours."""
    command = _command("serve", "--port", "0", "--data-dir", str(data_dir), *options)
    with (data_dir / log).open("ab") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment(environment)
        )
    url = _ready_address(process)
    assert url is not None, (data_dir / log).read_text()
    keys = json.loads((data_dir / "keys.json").read_text())
    return Killable(process, url, keys["sandbox"]["serverKey"])


@dataclass
class Load:
    """Clients that create customers one after the other, and remember what was acknowledged."""

    server: Killable
    name: str
    clients: int = 8
    # After so many acknowledged customers it is `enough`.
    wanted: int = 50
    acknowledged: set[str] = field(default_factory=set[str])
    enough: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._threads = [threading.Thread(target=self._create, args=(number,)) for number in range(self.clients)]
        for thread in self._threads:
            thread.start()

    def _create(self, client_number: int) -> None:
        with self.server.client() as client:
            number = 0
            while True:
                external_id = f"{self.name}-{client_number}-{number}"
                try:
                    answer = client.post("/customers/", json={"customerId": external_id})
                except httpx.HTTPError:
                    return
                if answer.status_code == 201:
                    self.acknowledged.add(external_id)
                number += 1
                if len(self.acknowledged) >= self.wanted:
                    self.enough.set()

    def stop(self) -> set[str]:
        """Wait until every client has noticed that the server is gone, and return what was acknowledged."""
        for thread in self._threads:
            thread.join()
        return self.acknowledged
