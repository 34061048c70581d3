"""Secrets sealed at rest."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kelviq_server.platform.vault import Vault, keep_earlier, secret_of, write_private


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


def test_who_makes_the_secret_at_the_same_time_gets_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        secrets = list(threads.map(lambda _: secret_of(None, tmp_path), range(64)))
    assert len(set(secrets)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_private_file_is_replaced_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    write_private(tmp_path / "keys.json", "first, and longer")
    write_private(tmp_path / "keys.json", "second")
    assert (tmp_path / "keys.json").read_text() == "second"
    assert os.stat(tmp_path / "keys.json").st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


def test_earlier_files_are_kept_under_the_next_free_number(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert keep_earlier(file) is None
    for text in ("first", "second", "third"):
        keep_earlier(file)
        write_private(file, text)
    assert (tmp_path / "keys.json.1").read_text() == "first"
    assert (tmp_path / "keys.json.2").read_text() == "second"
    assert os.stat(tmp_path / "keys.json.2").st_mode & 0o777 == 0o600
