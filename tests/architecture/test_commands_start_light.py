"""A command loads what it needs: the API and the worker take longer to load than most commands take to run."""

import subprocess
import sys

import pytest

HEAVY = {"kelviq_server.app", "kelviq_server.worker", "kelviq_server.demo"}


@pytest.mark.parametrize(
    "words", [("--help",), ("org", "create", "--help"), ("catalog", "push", "--help")], ids=" ".join
)
def test_neither_the_api_nor_the_worker_is_loaded_for(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "kelviq_server", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "kelviq_server.cli" in loaded
    assert not loaded & HEAVY
