"""What other modules may borrow of media.

To attach what was uploaded, a module finds the uploads in a short read, puts each in its place with
`current_file_store().keep(upload.upload_key, upload.file_key)` while no transaction is open, and then,
in the transaction that writes its own rows, calls `attach`. What was posted may be deleted afterwards;
the sweep does it in any case.
"""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.media import rules, store
from kelviq_server.media.errors import UploadNotUsable
from kelviq_server.media.records import StoredFile, Upload
from kelviq_server.platform.database import Tx


async def find_uploads(tx: Tx, upload_keys: Sequence[str]) -> list[Upload]:
    """Return this tenant's uploads that can still be attached, in the order of their keys; the others are left out."""
    found = {upload.upload_key: upload for upload in await store.list_uploads(tx, upload_keys)}
    return [found[key] for key in upload_keys if key in found]


async def attach(tx: Tx, files: Sequence[tuple[Upload, int]], *, public: bool) -> list[StoredFile]:
    """Make uploads, each with its size in bytes, belong to something for good, and return them in this order.

    Raises UploadNotUsable when one was attached or swept up meanwhile, or stands here twice.
    """
    attached = {file.id: file for file in await store.update_attached(tx, files, public)}
    if len(attached) != len(files):
        raise UploadNotUsable
    return [attached[upload.id] for upload, _ in files]


async def get_file(tx: Tx, id: UUID) -> StoredFile:
    """Return a file that is attached; raises NotFound."""
    return await store.get_file(tx, id)


async def release_file(tx: Tx, id: UUID) -> None:
    """Give a file up: the sweep deletes it, and its row. Nothing may refer to the row from now on."""
    await store.update_released(tx, id)


def public_path(file_id: UUID, file_name: str) -> str:
    """Return the path of a public file on this server; with the base URL before it, anybody's browser shows it."""
    return rules.public_path(file_id, file_name)
