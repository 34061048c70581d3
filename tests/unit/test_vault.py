"""Secrets sealed at rest."""

import os
from pathlib import Path

import pytest

from kelviq_server.platform.vault import Vault, secret_of


def test_what_was_sealed_can_be_opened() -> None:
    assert Vault("s" * 32).open(Vault("s" * 32).seal("sk_live_1", "server key"), "server key") == "sk_live_1"


def test_another_secret_or_purpose_opens_nothing() -> None:
    sealed = Vault("s" * 32).seal("sk_live_1", "server key")
    with pytest.raises(ValueError, match="sealed with another secret"):
        Vault("t" * 32).open(sealed, "server key")
    with pytest.raises(ValueError, match="sealed with another secret"):
        Vault("s" * 32).open(sealed, "webhook secret")


def test_sealing_twice_looks_different() -> None:
    assert Vault("s" * 32).seal("x", "p") != Vault("s" * 32).seal("x", "p")


def test_the_secret_of_a_data_directory_is_made_once_and_private(tmp_path: Path) -> None:
    secret = secret_of(None, tmp_path)
    assert secret_of(None, tmp_path) == secret
    assert os.stat(tmp_path / "secret").st_mode & 0o777 == 0o600
    assert secret_of("configured", tmp_path) == "configured"
