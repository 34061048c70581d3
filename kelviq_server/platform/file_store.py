"""Where files are kept: what every store can do, and which one this process uses."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

MAX_UPLOAD_BYTES = 5 * 1024**3
FORM_VALID = timedelta(hours=1)
URL_VALID = timedelta(minutes=10)


# What is served with these cannot run in our origin, whatever its type, and is taken for nothing else than it says.
HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Referrer-Policy": "no-referrer",
}
# Of an object that is read, so much is in memory at once.
READ_BYTES = 256 * 1024


class FileMissing(Exception):
    """The store has no such object."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a browser posts one file to, the fields that go before it, and when that was signed, in machine time."""

    url: str
    fields: Mapping[str, str]
    signed_at: datetime


class FileStore(Protocol):
    """Keeps objects under keys such as `media/<id>/<name>`. Calls that wait are not made inside a transaction."""

    def upload_form(self, key: str, content_type: str, base_url: str) -> UploadForm:
        """Return the form that puts one object of this type under this key, until it expires."""
        ...

    async def keep(self, source: str, target: str) -> int:
        """Put what was uploaded under its permanent key, whole or not at all, and return its size in bytes.

        Safe to do twice; a source that is gone is no fault while the target stands. Raises FileMissing.
        """
        ...

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """Return the content of an object, piece by piece; raises FileMissing before there is a first."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; what is not there is deleted."""
        ...

    async def delete_unfinished(self, before: datetime) -> None:
        """Delete what uploads that broke off before this instant have left behind."""
        ...

    def download_url(self, key: str, *, file_name: str, content_type: str, base_url: str, inline: bool = False) -> str:
        """Return an address, good for ten minutes, at which anybody gets the object, to save or to show."""
        ...


_store: FileStore | None = None


def use_file_store(store: FileStore) -> None:
    """Make this the file store of the process."""
    global _store
    _store = store


def current_file_store() -> FileStore:
    """Return the file store of the process."""
    if _store is None:
        raise RuntimeError("the file store is not set")
    return _store


def machine_time() -> datetime:
    """Return the machine's time, by which forms and addresses expire."""
    return datetime.now(UTC)


def content_disposition(file_name: str, *, inline: bool) -> str:
    """Return the header that names the file (RFC 6266): plainly for old clients, in full for all others."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in file_name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
