"""A server killed at any moment has lost nothing that it acknowledged."""

import random
import subprocess
import time
from pathlib import Path

import httpx

from tests.contract.killable import Killable, Load, start
from tests.contract.server import _command, _environment

KILLS = 5


def everyone(server: Killable) -> tuple[int, list[str]]:
    """Return the count, and the ids of all customers by walking the pages."""
    ids: list[str] = []
    path = "/customers/?page_size=1000"
    with server.client() as client:
        while True:
            page = client.get(path).json()
            ids += [customer["customerId"] for customer in page["results"]]
            if page["next"] is None:
                return page["count"], ids
            path = page["next"].removeprefix(f"{server.url}/api/v1")


def test_every_acknowledged_customer_survives_every_kill(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        server = start(tmp_path)
        load = Load(server, f"k{kill}", wanted=chance.randint(1, 300))
        assert load.enough.wait(60)
        server.kill()
        acknowledged |= load.stop()
    server = start(tmp_path)
    count, ids = everyone(server)
    with server.client() as client:
        found = client.get("/customers/?search=k0-&page_size=1").json()["count"]
    server.process.terminate()
    server.close()
    assert acknowledged <= set(ids)
    assert count == len(ids) == len(set(ids))
    assert found == sum(external_id.startswith("k0-") for external_id in ids)


def test_a_kill_during_the_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    command = _command("serve", "--port", "0", "--data-dir", str(tmp_path))
    for milestone in ("postgres.new", "postgres", "secret", "keys.json"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
        until = time.monotonic() + 30
        while not (tmp_path / milestone).exists() and process.poll() is None and time.monotonic() < until:
            pass
        process.kill()
        process.wait()
    server = start(tmp_path)
    with server.client() as client:
        assert client.get("/customers/").json()["count"] == 0
    server.process.terminate()
    server.close()


def test_requests_in_flight_are_finished_before_the_server_stops(tmp_path: Path) -> None:
    server = start(tmp_path)
    load = Load(server, "stop", wanted=100)
    assert load.enough.wait(60)
    server.process.terminate()
    acknowledged = load.stop()
    server.close()
    assert server.process.returncode == 0
    assert not (tmp_path / "postgres" / "postmaster.pid").exists(), "the database was not stopped in order"
    server = start(tmp_path)
    count, ids = everyone(server)
    server.process.terminate()
    server.close()
    # Whoever was being answered got the answer: at most the clients' last requests were never taken.
    assert acknowledged == set(ids)
    assert count == len(ids)


def test_every_process_of_a_killed_server_ends(tmp_path: Path) -> None:
    server = start(tmp_path, "--workers", "2")
    with server.client() as client:
        assert client.get("/customers/").status_code == 200
    server.kill()
    # As soon as the last process has let go of the socket, nobody answers, and a new server can start.
    while True:
        try:
            httpx.get(f"{server.url}/healthz", timeout=5)
        except httpx.HTTPError:
            break
    server = start(tmp_path)
    server.process.terminate()
    server.close()
