"""What a file may be called, how it may be shown, and when it goes."""

import re
import unicodedata
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from kelviq_server.media.records import Chore, DueFile, StoredFile

# An upload that nobody attached by then is swept up.
ATTACHABLE = timedelta(days=1)
# Between marking a file and deleting it: whoever began to attach it in time has finished, or failed, by then.
GRACE = timedelta(minutes=15)
# A sweep that crashed is made up for by another after this.
LEASE = timedelta(minutes=10)

# What is passed on through this server, for pages of ours; all else comes from the file store itself.
MAX_PASSED_ON_BYTES = 10 * 1024 * 1024

MAX_NAME_BYTES = 180
_MAX_EXTENSION_BYTES = 20
# Unassigned and halved characters, and those that turn the direction of the text: a name is to look like what it is.
_REPLACED_CATEGORIES = {"Cc", "Cn", "Cs", "Zl", "Zp"}
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe_name(name: str) -> str:
    """Return the last part of a path as the name of a file, or an empty text where nothing is left of it.

    `$` goes too: S3 puts another name in the place of `${filename}`.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1].strip()
    if not re.search(r"[^\s.]", last):
        return ""
    clean = "".join("_" if unicodedata.category(c) in _REPLACED_CATEGORIES else c for c in last)
    return _shorten(_TURNING.sub("_", clean).replace("$", "_"))


def _shorten(name: str) -> str:
    """Cut a name that is too long, in front of its extension."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > _MAX_EXTENSION_BYTES:
        stem, dot, extension = name, "", ""
    room = MAX_NAME_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip() + dot + extension


def is_shown_inline(file: StoredFile) -> bool:
    """Say whether browsers may show the file in place; what is no picture they save."""
    return file.content_type.lower().startswith("image/")


def is_passed_on(file: StoredFile) -> bool:
    """Say whether the file is a picture that this server itself answers with, not too large for that."""
    return is_shown_inline(file) and file.size_bytes <= MAX_PASSED_ON_BYTES


def public_path(id: UUID, name: str) -> str:
    """Return where anybody sees a public file; its name there is for people."""
    return f"/api/v1/media/{id}/{quote(name, safe='')}"


def chore(file: DueFile) -> Chore:
    """Return what is to be done about a row whose time has come."""
    if file.is_swept:
        return Chore.DELETE
    if file.is_attached and not file.is_released:
        return Chore.CLEAR
    return Chore.MARK
