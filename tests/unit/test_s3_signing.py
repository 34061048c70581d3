"""Our signatures are those of the official client, for the same instant, key and names."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.auth
import botocore.signers
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.platform.file_store import URL_VALID
from kelviq_server.platform.s3_files import Bucket, S3Files
from kelviq_server.platform.s3_signing import Credentials, signed_form

AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
CREDENTIALS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-central-1")
KEYS = [
    "tmp/108713b0/web-app-manifest-512x512.png",
    "media/1/a b+c&d=e'()!*~ü€😀%2F#?.png",
]


@pytest.fixture(autouse=True)
def _their_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (botocore.auth, botocore.signers):
        monkeypatch.setattr(module, "get_current_datetime", lambda: AT.replace(tzinfo=None))


def official(style: str, endpoint: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=CREDENTIALS.region,
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        config=Config(
            signature_version="s3v4", s3={"addressing_style": style, "us_east_1_regional_endpoint": "regional"}
        ),
    )


@pytest.mark.parametrize("key", KEYS)
def test_a_form_is_the_same_to_the_letter(key: str) -> None:
    theirs = official("virtual").generate_presigned_post(
        "uploads",
        key,
        Fields={"Content-Type": "image/png"},
        Conditions=[{"Content-Type": "image/png"}, ["content-length-range", 0, 5 * 1024**3]],
        ExpiresIn=3600,
    )
    ours = S3Files(Bucket("uploads", CREDENTIALS.region), CREDENTIALS, now=lambda: AT).upload_form(key, "image/png", "")
    assert ours.fields == theirs["fields"]
    assert ours.signed_at == AT


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("bucket", "style", "endpoint"),
    [
        ("uploads", "virtual", None),
        ("uploads.example.com", "path", None),
        ("uploads", "path", "http://storage.example:9000"),
        ("uploads", "path", "https://storage.example:443/s3"),
    ],
)
def test_an_address_is_the_same(key: str, bucket: str, style: str, endpoint: str | None) -> None:
    disposition = "attachment; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"
    theirs = official(style, endpoint).generate_presigned_url(
        "get_object",
        {"Bucket": bucket, "Key": key, "ResponseContentDisposition": disposition, "ResponseContentType": "image/png"},
        ExpiresIn=int(URL_VALID.total_seconds()),
    )
    files = S3Files(Bucket(bucket, CREDENTIALS.region, endpoint), CREDENTIALS, now=lambda: AT)
    ours = files.download_url(key, file_name="a b.png", content_type="image/png", base_url="")
    assert urlsplit(ours)[:3] == urlsplit(theirs)[:3]
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs).query)


@given(st.text(min_size=1), st.text(min_size=1))
def test_whatever_the_names_are_a_form_can_be_signed(key: str, content_type: str) -> None:
    fields = signed_form(
        CREDENTIALS,
        bucket="b",
        key=key,
        content_type=content_type,
        max_bytes=1,
        signed_at=AT,
        valid=timedelta(hours=1),
    )
    assert (fields["key"], fields["Content-Type"]) == (key, content_type)


def test_a_secret_key_is_not_printed() -> None:
    assert CREDENTIALS.secret_access_key not in repr(CREDENTIALS)
    assert CREDENTIALS.secret_access_key not in repr(S3Files(Bucket("uploads", "eu-central-1"), CREDENTIALS))
