"""Files in S3, or in any store that speaks its protocol."""

from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import SplitResult, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import S3Store

from kelviq_server.platform.answers import Unavailable
from kelviq_server.platform.database import assert_no_transaction
from kelviq_server.platform.file_store import (
    FORM_VALID,
    MAX_UPLOAD_BYTES,
    READ_BYTES,
    URL_VALID,
    FileMissing,
    UploadForm,
    content_disposition,
    machine_time,
)
from kelviq_server.platform.s3_signing import Credentials, quote_path, signed_form, signed_query

log = structlog.get_logger()

# A copy of five gigabytes takes S3 some time; a caller waits for it.
REQUEST_TIMEOUT = timedelta(minutes=2)
CONNECT_TIMEOUT = timedelta(seconds=5)
RETRIES = 3
# What one request to S3 can delete.
DELETE_BATCH = 1000
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the files are. Without an endpoint it is in AWS."""

    name: str
    region: str
    endpoint: str | None = None

    @property
    def url(self) -> str:
        """Return the bucket's own address, without a closing slash."""
        if self.endpoint is not None:
            return f"{self.endpoint.rstrip('/')}/{self.name}"
        if "." in self.name:
            # No certificate of AWS covers such a host.
            return f"https://s3.{self.region}.amazonaws.com/{self.name}"
        return f"https://{self.name}.s3.{self.region}.amazonaws.com"

    @property
    def is_a_host(self) -> bool:
        """Say whether the bucket is named by the host, not by the path."""
        return self.endpoint is None and "." not in self.name


class S3Files:
    """Keeps objects in a bucket, to which browsers post, and from which they download, directly."""

    def __init__(
        self,
        bucket: Bucket,
        credentials: Credentials,
        *,
        max_upload_bytes: int = MAX_UPLOAD_BYTES,
        now: Callable[[], datetime] = machine_time,
    ) -> None:
        self._bucket = bucket
        self._credentials = credentials
        self._max_upload_bytes = max_upload_bytes
        self._now = now
        self._store = S3Store(
            bucket.name,
            region=bucket.region,
            access_key_id=credentials.access_key_id,
            secret_access_key=credentials.secret_access_key,
            endpoint=bucket.url if bucket.is_a_host else bucket.url.removesuffix(f"/{bucket.name}"),
            virtual_hosted_style_request=bucket.is_a_host,
            client_options={
                "allow_http": bucket.url.startswith("http://"),
                "timeout": REQUEST_TIMEOUT,
                "connect_timeout": CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": REQUEST_TIMEOUT},
        )

    def upload_form(self, key: str, content_type: str, base_url: str) -> UploadForm:
        """Return the form that puts one object of this type under this key, until it expires."""
        signed_at = self._now()
        fields = signed_form(
            self._credentials,
            bucket=self._bucket.name,
            key=key,
            content_type=content_type,
            max_bytes=self._max_upload_bytes,
            signed_at=signed_at,
            valid=FORM_VALID,
        )
        return UploadForm(self._bucket.url + "/", fields, signed_at)

    async def keep(self, source: str, target: str) -> int:
        """Put what was uploaded under its permanent key and return its size; raises FileMissing."""
        assert_no_transaction()
        with _answering():
            # What was kept first stands: it may be attached already, and the form is good for an hour.
            with suppress(FileNotFoundError):
                return (await obstore.head_async(self._store, target))["size"]
            try:
                await obstore.copy_async(self._store, source, target)
                return (await obstore.head_async(self._store, target))["size"]
            except FileNotFoundError:
                raise FileMissing(source) from None

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """Return the content of an object, piece by piece; raises FileMissing before there is a first."""
        assert_no_transaction()
        with _answering():
            try:
                return aiter((await obstore.get_async(self._store, key)).stream(READ_BYTES))
            except FileNotFoundError:
                raise FileMissing(key) from None

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; what is not there is deleted."""
        assert_no_transaction()
        with _answering():
            for start in range(0, len(keys), DELETE_BATCH):
                await obstore.delete_async(self._store, list(keys[start : start + DELETE_BATCH]))

    async def delete_unfinished(self, before: datetime) -> None:
        """Do nothing: of a form that broke off, S3 keeps nothing."""

    def download_url(self, key: str, *, file_name: str, content_type: str, base_url: str, inline: bool = False) -> str:
        """Return an address, good for ten minutes, at which anybody gets the object, to save or to show."""
        parts = urlsplit(self._bucket.url)
        path = f"{parts.path}/{key}"
        query = signed_query(
            self._credentials,
            host=_host(parts),
            path=path,
            response={
                "response-content-disposition": content_disposition(file_name, inline=inline),
                "response-content-type": content_type,
            },
            signed_at=self._now(),
            valid=URL_VALID,
        )
        return f"{parts.scheme}://{parts.netloc}{quote_path(path)}?{query}"


@contextmanager
def _answering() -> Generator[None]:
    """Raise Unavailable where the storage does not do what it is asked: the caller may try again."""
    try:
        yield
    except (BaseError, OSError) as error:
        log.warning("file storage", failure=type(error).__name__)
        raise Unavailable from error


def _host(parts: SplitResult) -> str:
    """Return what a browser sends as Host: a port that goes without saying is left out."""
    host, port = parts.netloc.lower(), parts.port
    return host.removesuffix(f":{port}") if port == _DEFAULT_PORTS.get(parts.scheme) else host
