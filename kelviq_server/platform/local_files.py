"""The built-in file store: a directory, behind the same signed forms and addresses as S3 (docs/adr/0009).

Every object is written beside the others and then renamed into its place, so there is no half of one; on
disk when its upload is answered. Several machines need a directory that they share.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

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
from kelviq_server.platform.s3_signing import Credentials, query_signature, quote_path, signed_form, signed_query
from kelviq_server.platform.upload_policy import Permission, StorageRefused, check_credential, permit, read_instant
from kelviq_server.platform.vault import sync_directory

PATH = "/storage/"
BUCKET = "local"
MAX_SEGMENTS = 8
MAX_SEGMENT_BYTES = 255
# Written in pieces of this size: each costs a walk to another thread.
WRITE_BYTES = 1024 * 1024
# Signed in the place of the caller's Host header, which proxies rewrite: only we make and check these addresses.
_HOST = "storage.invalid"
_LONGEST_VALID = timedelta(days=7)


def is_key(key: str) -> bool:
    """Say whether this can be the key of an object: plain names, none of which leads elsewhere."""
    segments = key.split("/")
    return len(segments) <= MAX_SEGMENTS and all(map(_is_segment, segments))


def _is_segment(segment: str) -> bool:
    try:
        size = len(segment.encode())
    except UnicodeEncodeError:
        return False
    # What is not printable is no danger on disk; control characters are, in headers.
    is_plain = "\\" not in segment and not any(c < " " or "\x7f" <= c <= "\x9f" for c in segment)
    return is_plain and 0 < size <= MAX_SEGMENT_BYTES and segment not in (".", "..")


class LocalFiles:
    """Keeps objects in a directory; `receive` and `open_download` are what `storage_routes` lets everybody ask."""

    def __init__(
        self,
        directory: Path,
        secret: bytes,
        *,
        max_upload_bytes: int = MAX_UPLOAD_BYTES,
        now: Callable[[], datetime] = machine_time,
    ) -> None:
        self._directory = directory
        self._objects = directory / "objects"
        self._incoming = directory / "incoming"
        self._credentials = Credentials("local", secret.hex(), "local")
        self._max_upload_bytes = max_upload_bytes
        self._now = now

    def upload_form(self, key: str, content_type: str, base_url: str) -> UploadForm:
        """Return the form that puts one object of this type under this key, until it expires."""
        signed_at = self._now()
        fields = signed_form(
            self._credentials,
            bucket=BUCKET,
            key=key,
            content_type=content_type,
            max_bytes=self._max_upload_bytes,
            signed_at=signed_at,
            valid=FORM_VALID,
        )
        return UploadForm(base_url + PATH, fields, signed_at)

    def download_url(self, key: str, *, file_name: str, content_type: str, base_url: str, inline: bool = False) -> str:
        """Return an address, good for ten minutes, at which anybody gets the object, to save or to show."""
        path = PATH + key
        query = signed_query(
            self._credentials,
            host=_HOST,
            path=path,
            response={
                "response-content-disposition": content_disposition(file_name, inline=inline),
                "response-content-type": content_type,
            },
            signed_at=self._now(),
            valid=URL_VALID,
        )
        return f"{base_url}{quote_path(path)}?{query}"

    async def keep(self, source: str, target: str) -> int:
        """Put what was uploaded under its permanent key and return its size; raises FileMissing."""
        assert_no_transaction()
        return await asyncio.to_thread(self._keep, source, target)

    def _keep(self, source: str, target: str) -> int:
        posted, kept = self._path(source), self._path(target)
        while not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            try:
                # A second name for the same content: what is posted later under the first gets content of its own.
                os.link(posted, kept, follow_symlinks=False)
                self._sync_folders(kept)
            except FileExistsError:
                # What was kept first stands: it may be attached already, and the form is good for an hour.
                break
            except FileNotFoundError:
                # A delete took the empty folder away meanwhile; or nothing was posted.
                if not posted.exists():
                    raise FileMissing(source) from None
        return kept.stat().st_size

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """Return the content of an object, piece by piece; raises FileMissing before there is a first."""
        assert_no_transaction()
        try:
            return _pieces(await asyncio.to_thread(self._path(key).open, "rb"))
        except FileNotFoundError:
            raise FileMissing(key) from None

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; what is not there is deleted."""
        assert_no_transaction()
        await asyncio.to_thread(self._delete, keys)

    def _delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            path = self._path(key)
            path.unlink(missing_ok=True)
            with suppress(OSError):
                # Not the last one in its folder, or the folder is gone as well.
                path.parent.rmdir()

    async def delete_unfinished(self, before: datetime) -> None:
        """Delete what uploads that broke off before this instant have left behind."""
        assert_no_transaction()
        await asyncio.to_thread(self._delete_unfinished, before)

    def _delete_unfinished(self, before: datetime) -> None:
        with suppress(FileNotFoundError):
            for path in self._incoming.iterdir():
                with suppress(FileNotFoundError):
                    if path.lstat().st_mtime < before.timestamp():
                        path.unlink()

    def permit(self, fields: Mapping[str, str]) -> Permission:
        """Return what an upload with these fields may be; raises StorageRefused."""
        permission = permit(fields, self._credentials, BUCKET, self._now())
        if not is_key(permission.key):
            raise StorageRefused(400, "InvalidArgument", "This key is not taken here.")
        return permission

    def receive(self, permission: Permission) -> "Incoming":
        """Return where the content of an upload goes, piece by piece."""
        return Incoming(self, permission)

    def open_download(self, key: str, query: Mapping[str, str]) -> Path:
        """Return the file of an object whose address is signed and still good; raises StorageRefused."""
        self._check_query(key, query)
        path = self._path(key)
        if not path.is_file():
            raise StorageRefused(404, "NoSuchKey", "The specified key does not exist.")
        return path

    def _check_query(self, key: str, query: Mapping[str, str]) -> None:
        names = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature")
        if not is_key(key) or any(name not in query for name in names):
            raise StorageRefused(403, "AccessDenied", "Access Denied.")
        signed_at = read_instant(query["X-Amz-Date"])
        check_credential(query["X-Amz-Credential"], self._credentials, signed_at)
        parameters = {name: value for name, value in query.items() if name != "X-Amz-Signature"}
        expected = query_signature(
            self._credentials, host=_HOST, path=PATH + key, parameters=parameters, signed_at=signed_at
        )
        if not hmac.compare_digest(expected.encode(), query["X-Amz-Signature"].encode()):
            message = "The request signature we calculated does not match the signature you provided."
            raise StorageRefused(403, "SignatureDoesNotMatch", message)
        valid = timedelta(seconds=int(query["X-Amz-Expires"]))
        if valid > _LONGEST_VALID or signed_at + valid <= self._now():
            raise StorageRefused(403, "AccessDenied", "Request has expired.")

    def _path(self, key: str) -> Path:
        """Return the file of an object; raises StorageRefused for a key that would leave the store."""
        path = self._objects / key
        # The second is so where somebody with access to the disk has put a link into the store.
        if not is_key(key) or path.resolve() != self._objects.resolve() / key:
            raise StorageRefused(403, "AccessDenied", "Access Denied.")
        return path

    def open_incoming(self) -> tuple[Path, IO[bytes]]:
        """Return a new file beside the objects."""
        self._make_incoming()
        path = self._incoming / secrets.token_hex(16)
        return path, path.open("xb")

    def _make_incoming(self) -> None:
        # Files may be meant for those who paid: other accounts of the machine have no business here.
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._incoming.mkdir(exist_ok=True)

    def put(self, incoming: Path, key: str) -> None:
        """Give a finished file its place, on disk when this returns."""
        self._put(incoming, self._path(key))

    def _put(self, incoming: Path, path: Path) -> None:
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                incoming.replace(path)
                break
            except FileNotFoundError:
                # A delete took the empty folder away meanwhile; or the file itself is gone.
                if not incoming.exists():
                    raise
        self._sync_folders(path)

    def _sync_folders(self, path: Path) -> None:
        """Bring the name of a file to disk, and those of the folders it stands in."""
        folder = path.parent
        while folder != self._objects.parent:
            sync_directory(folder)
            folder = folder.parent


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, READ_BYTES):
            yield piece


class Incoming:
    """An upload on its way to the disk; it leaves nothing behind unless it is finished."""

    def __init__(self, files: LocalFiles, permission: Permission) -> None:
        self._files = files
        self._permission = permission
        self._path, self._file = files.open_incoming()
        self._size = 0
        self._unwritten: list[bytes] = []
        self._unwritten_bytes = 0
        # S3 names an object's content by its MD5; it guards nothing.
        self._digest = hashlib.md5(usedforsecurity=False)

    def take(self, content: bytes) -> bool:
        """Take more of the content, and say whether it is time to write; raises StorageRefused if it is too much."""
        self._size += len(content)
        if self._size > self._permission.max_bytes:
            raise StorageRefused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
        self._unwritten.append(content)
        self._unwritten_bytes += len(content)
        return self._unwritten_bytes >= WRITE_BYTES

    def write(self) -> None:
        """Write what was taken."""
        content = b"".join(self._unwritten)
        self._unwritten, self._unwritten_bytes = [], 0
        self._digest.update(content)
        self._file.write(content)

    def finish(self) -> str:
        """Put the object in its place and return the mark of its content; raises StorageRefused if it is too small."""
        if self._size < self._permission.min_bytes:
            raise StorageRefused(
                400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size."
            )
        self.write()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._files.put(self._path, self._permission.key)
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Leave nothing behind; after `finish`, this does nothing."""
        self._file.close()
        self._path.unlink(missing_ok=True)
