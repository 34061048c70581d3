"""A whole Kelviq server: the process that an operator starts, on loopback, with a database of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Timer
from typing import Any

import httpx
import pytest

START_SECONDS = 120
STOP_SECONDS = 40
READY = "ready "
FOUNDER = Path(__file__).with_name("founder.py")
# For a server that may tell endpoints on loopback.
LOOPBACK = {"KELVIQ_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}


@dataclass(frozen=True)
class Keys:
    """The keys of one environment."""

    server: str
    client: str


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    url: str
    data_dir: Path
    sandbox: Keys

    def command(self, *words: str) -> str:
        """Run `kelviq-server` beside the server, on its data, and return what it prints."""
        command = _command(*words, "--data-dir", str(self.data_dir))
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.data_dir, env=_environment())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def found(self, name: str) -> str:
        """Found an organization beside the server, and return the server key of its sandbox."""
        assert self._founder.stdin is not None
        assert self._founder.stdout is not None
        print(name, file=self._founder.stdin, flush=True)
        key = self._founder.stdout.readline().strip()
        assert key, "nothing was founded"
        return key

    @cached_property
    def _founder(self) -> "subprocess.Popen[str]":
        """Who founds all of them: a start for each takes longer than many tests."""
        command = [sys.executable, "-P", str(FOUNDER), str(self.data_dir)]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.data_dir, env=_environment()
        )

    def close(self) -> None:
        """Let whoever works beside the server end."""
        if "_founder" in vars(self):
            self._founder.communicate(timeout=STOP_SECONDS)


@dataclass(frozen=True)
class Provisioned:
    """An organization that a partner provisioned; the keys are those of its production environment."""

    slug: str
    keys: Keys


def provision(server: Server, partner_key: str, name: str) -> Provisioned:
    """Have a partner make an organization."""
    body = {"externalId": name, "email": f"{name}@example.com", "businessName": name}
    headers = {"X-Kelviq-Partner-Key": partner_key}
    made = httpx.post(f"{server.url}/api/v1/partner/organizations/", json=body, headers=headers).json()
    return Provisioned(made["organizationSlug"], Keys(made["serverKey"], made["clientKey"]))


@contextmanager
def running_server(data_dir: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Serve until the block ends, then see that nothing of it stays behind; `environment` is set besides ours."""
    with (data_dir / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            _command("serve", "--port", "0", "--data-dir", str(data_dir), *options),
            stdout=subprocess.PIPE, stderr=errors, text=True, cwd=data_dir, env=_environment(environment),
        )  # fmt: skip
    postgres = None
    try:
        url = _ready_address(process)
        assert url is not None, f"the server did not start:\n{(data_dir / 'stderr').read_text()}"
        postgres = _postgres_of(data_dir)
        keys = json.loads((data_dir / "keys.json").read_text())["sandbox"]
        server = Server(url, data_dir, Keys(keys["serverKey"], keys["clientKey"]))
        try:
            yield server
        finally:
            server.close()
        assert process.poll() is None, f"the server ended:\n{(data_dir / 'stderr').read_text()}"
    finally:
        process.terminate()
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            pytest.fail(f"the server did not stop within {STOP_SECONDS} s")
        finally:
            assert process.stdout is not None
            process.stdout.close()
    assert code == 0, f"the server ended with {code}:\n{(data_dir / 'stderr').read_text()}"
    assert postgres is None or not _is_alive(postgres), "the database outlived its server"
    assert _postgres_of(data_dir) is None


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "kelviq_server", *words]


def _environment(more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the developer has set for a server of his own does not count here."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("KELVIQ_", "PG"))}
    return {**ours, **(more or {})}


def _ready_address(process: subprocess.Popen[str]) -> str | None:
    assert process.stdout is not None
    too_late = Timer(START_SECONDS, process.kill)
    too_late.start()
    try:
        ready = next((line for line in process.stdout if line.startswith(READY)), None)
    finally:
        too_late.cancel()
    return None if ready is None else ready.removeprefix(READY).strip()


def _postgres_of(data_dir: Path) -> int | None:
    file = data_dir / "postgres" / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else None


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
