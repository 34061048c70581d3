"""`kelviq-server catalog` against a server, as an operator types it."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.catalog_example import EXAMPLE
from tests.contract.server import Server, _command, _environment

_numbers = count(1)
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Shop:
    """A sandbox of its own, and a folder to work in."""

    url: str
    key: str
    folder: Path

    def catalog(self, *words: str, key: str | None = None, url: str | None = None) -> Done:
        command = _command("catalog", *words, "--url", url or self.url, "--key", key or self.key)
        return subprocess.run(
            command, cwd=self.folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip

    def done(self, *words: str) -> str:
        done = self.catalog(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, text: str, name: str = "catalog.yaml") -> str:
        (self.folder / name).write_text(text)
        return name

    def api(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, f"{self.url}/api/v1/catalog{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def shop(server: Server, tmp_path: Path) -> Shop:
    made = json.loads(server.command("org", "create", f"Shop {next(_numbers)}"))
    return Shop(server.url, made["sandbox"]["serverKey"], tmp_path)


@pytest.fixture
def pushed(shop: Shop) -> Shop:
    """A shop that has the whole example, published."""
    shop.done("push", shop.write(EXAMPLE), "--yes", "--publish")
    return shop


def edited(shop: Shop, change: Callable[[str], str]) -> str:
    before = (shop.folder / "catalog.yaml").read_text()
    after = change(before)
    assert before != after
    return shop.write(after)


def test_an_empty_server_is_pulled_and_pushed_back(shop: Shop) -> None:
    assert shop.done("pull") == "catalog.yaml: 0 products, 0 features, 0 plans\n"
    assert shop.done("diff", "catalog.yaml") == "no difference\n"
    assert shop.done("push", "catalog.yaml") == "nothing to change\n"


def test_what_is_pushed_is_pulled_and_differs_in_nothing(pushed: Shop) -> None:
    assert pushed.done("diff", "catalog.yaml") == "no difference\n"
    pushed.done("pull", "again.yaml")
    assert pushed.done("diff", "again.yaml") == "no difference\n"
    assert pushed.done("push", "again.yaml", "--publish") == "nothing to change\n"
    pushed.done("pull", "third.yaml")
    assert (pushed.folder / "third.yaml").read_text() == (pushed.folder / "again.yaml").read_text()
