"""Media: files that merchants upload."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that may be attached: where it was posted, and where it stays from then on."""

    id: UUID
    # The `fileKey` of the wire.
    upload_key: str
    # What the file store keeps it under once it is attached.
    file_key: str
    file_name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that belongs to something."""

    id: UUID
    file_key: str
    file_name: str
    content_type: str
    size_bytes: int
    # Shown to anybody who has its address.
    is_public: bool


class Chore(Enum):
    """What the sweep does about a row whose time has come."""

    # Nobody wants the file any more: let nobody attach it from now on, and come back.
    MARK = "mark"
    # Marked some time ago: both objects go, and then the row.
    DELETE = "delete"
    # Attached, and its form has expired: what was posted goes, the kept copy stays.
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class DueFile:
    """A row that the sweep looks at."""

    tenant_id: int
    id: UUID
    upload_key: str
    file_key: str
    is_attached: bool
    is_released: bool
    is_swept: bool
