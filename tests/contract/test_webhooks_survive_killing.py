"""Whatever is killed, and whenever: every event reaches every endpoint, in order, and few of them twice."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.contract.crowd import SECONDS, Burst, Crowd, all_told, duplicates, let_leases_end
from tests.contract.killable import Killable, Start
from tests.contract.receivers import Receivers, receivers
from tests.contract.server import LOOPBACK, _command, _environment

ENDPOINTS = [f"/hooks/{number}" for number in range(5)]
KILLS = 3
# What may be on its way at once to one endpoint, and is told again when nobody noted that it arrived.
AT_ONCE = 16


def listen(server: Killable, told: Receivers) -> dict[str, str]:
    """Have the server tell every endpoint of everything, and return their secrets by path."""
    with server.client() as client:
        return {path: told.listen(client, path) for path in ENDPOINTS}


def wait_for_deliveries(told: Receivers, count: int) -> None:
    """Wait until so many more came in."""
    wanted = told.count + count
    assert told.has_come_true(lambda: told.count >= wanted, SECONDS), f"only {told.count} of {wanted} deliveries came"


def child(server: Killable, command: str) -> int:
    """Return the process id of a child of the server that runs this command, as soon as there is one."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                # What comes after the name, which may hold anything: the state, and the parent.
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                words = (folder / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if int(parent) == server.process.pid and command in words:
                return int(folder.name)
    raise AssertionError(f"the server has no {command}")


@contextmanager
def worker_beside(data_dir: Path) -> Iterator[None]:
    """Have a second worker work for the server on this directory until the block ends."""
    with (data_dir / "worker").open("ab") as output:
        process = subprocess.Popen(
            _command("worker", "--data-dir", str(data_dir)), stdout=output, stderr=output, env=_environment(LOOPBACK)
        )
    try:
        yield
        assert process.poll() is None, (data_dir / "worker").read_text()
    finally:
        process.terminate()
        process.wait(SECONDS)


def assert_few(found: dict[str, int], times: int) -> None:
    """See that the duplicates are no more than were on their way each time that a worker was killed, or froze."""
    print(f"duplicates after {times} times: {found}")  # noqa: T201
    assert max(found.values()) <= times * AT_ONCE, found


def test_a_killed_server_tells_every_event_in_order_when_it_is_back(start_again: Start, tmp_path: Path) -> None:
    chance, crowd = Random(20261123), Crowd()
    with receivers() as told:
        server = start_again()
        secrets = listen(server, told)
        for kill in range(KILLS):
            burst = Burst(server, crowd)
            if kill % 2:
                wait_for_deliveries(told, chance.randint(1, 300))
            else:
                crowd.waits_for(len(crowd.acknowledged) + chance.randint(1, 100))
            server.kill()
            killed_at = datetime.now(UTC)
            burst.join()
            server = start_again()
            let_leases_end(tmp_path, killed_at)
        log = all_told(server, told, secrets)
        server.stop()
        assert_few(duplicates(told, log, crowd, secrets), KILLS)


def test_killed_workers_and_api_processes_are_replaced_and_no_event_is_lost(start_again: Start, tmp_path: Path) -> None:
    chance, crowd = Random(20261124), Crowd()
    with receivers() as told:
        server = start_again("--workers", "2")
        secrets = listen(server, told)
        for _ in range(KILLS):
            burst = Burst(server, crowd)
            crowd.waits_for(len(crowd.acknowledged) + chance.randint(1, 100))
            os.kill(child(server, "api"), signal.SIGKILL)
            wait_for_deliveries(told, chance.randint(1, 300))
            os.kill(child(server, "worker"), signal.SIGKILL)
            killed_at = datetime.now(UTC)
            burst.join()
            let_leases_end(tmp_path, killed_at)
        log = all_told(server, told, secrets)
        server.stop()
        assert_few(duplicates(told, log, crowd, secrets), KILLS)


def test_a_worker_that_froze_for_longer_than_its_lease_tells_nothing_late(start_again: Start, tmp_path: Path) -> None:
    chance, crowd = Random(20261125), Crowd()
    with receivers() as told:
        server = start_again("--workers", "2")
        secrets = listen(server, told)
        with worker_beside(tmp_path):
            burst = Burst(server, crowd)
            wait_for_deliveries(told, chance.randint(1, 300))
            frozen = child(server, "worker")
            os.kill(frozen, signal.SIGSTOP)
            burst.join()
            # Only when its leases are over can the other worker have told everything.
            all_told(server, told, secrets)
            burst = Burst(server, crowd)
            wait_for_deliveries(told, chance.randint(1, 300))
            os.kill(frozen, signal.SIGCONT)
            burst.join()
            log = all_told(server, told, secrets)
        server.stop()
        assert_few(duplicates(told, log, crowd, secrets), 1)
