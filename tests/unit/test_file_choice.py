"""Which file store the settings choose."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from kelviq_server.platform.file_choice import chosen_file_store
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.platform.s3_files import S3Files
from kelviq_server.platform.settings import Settings, WrongSetting, load_settings
from kelviq_server.platform.vault import Vault, use_vault

KEYS: dict[str, Any] = {"s3_access_key_id": "AKIA", "s3_secret_access_key": SecretStr("the secret key")}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("S3_BUCKET", "S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "CONFIG"):
        monkeypatch.delenv(f"KELVIQ_{name}", raising=False)
    use_vault(Vault("a secret for tests only, of a good length"))


def test_without_a_bucket_files_stand_in_the_data_directory(tmp_path: Path) -> None:
    assert isinstance(chosen_file_store(Settings(data_dir=tmp_path)), LocalFiles)


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"s3_region": "eu-central-1"}, "https://files.s3.eu-central-1.amazonaws.com/"),
        ({}, "https://files.s3.us-east-1.amazonaws.com/"),
        ({"s3_bucket": "files.example.com"}, "https://s3.us-east-1.amazonaws.com/files.example.com/"),
        ({"s3_endpoint": "http://127.0.0.1:9000/"}, "http://127.0.0.1:9000/files/"),
    ],
)
def test_with_a_bucket_browsers_post_to_it(options: dict[str, Any], url: str) -> None:
    store = chosen_file_store(load_settings(**{"s3_bucket": "files", **KEYS, **options}))
    assert isinstance(store, S3Files)
    assert store.upload_form("tmp/1/a.png", "image/png", "http://testserver").url == url


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"s3_bucket": "files"}, "s3_access_key_id (KELVIQ_S3_ACCESS_KEY_ID)"),
        ({"s3_bucket": "files", "s3_access_key_id": "x"}, "s3_secret_access_key (KELVIQ_S3_SECRET_ACCESS_KEY)"),
        ({"s3_bucket": "../files", **KEYS}, "s3_bucket (KELVIQ_S3_BUCKET)"),
        ({"s3_bucket": "files", "s3_endpoint": "localhost:9000", **KEYS}, "s3_endpoint (KELVIQ_S3_ENDPOINT)"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_a_wrong_setting(options: dict[str, Any], line: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        load_settings(**options)
    assert str(wrong.value).startswith(line)
    assert "the secret key" not in str(wrong.value)


def test_the_secret_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KELVIQ_S3_SECRET_ACCESS_KEY", "the secret key")
    settings = load_settings(s3_bucket="files", s3_access_key_id="AKIA")
    assert "the secret key" not in f"{settings!r} {settings} {chosen_file_store(settings)!r}"
