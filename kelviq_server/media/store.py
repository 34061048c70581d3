"""All SQL about media."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.media.records import DueFile, StoredFile, Upload
from kelviq_server.platform.database import Tx

_UPLOAD: LiteralString = "id, upload_key, file_key, file_name, content_type"
_FILE: LiteralString = "id, file_key, file_name, content_type, size_bytes, is_public"


async def insert_upload(tx: Tx, upload: Upload, due_at: datetime) -> None:
    """Write down what may be uploaded; at `due_at`, in machine time, the sweep looks whether it was attached."""
    await tx.execute(
        "INSERT INTO media_files (tenant_id, id, upload_key, file_key, file_name, content_type, created_at, due_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            *(tx.tenant_id, upload.id, upload.upload_key, upload.file_key, upload.file_name, upload.content_type),
            *(tx.now, due_at),
        ),
    )


async def list_uploads(tx: Tx, upload_keys: Sequence[str]) -> list[Upload]:
    """Return those of the keys that can be attached, in no order."""
    return await tx.rows(
        Upload,
        "SELECT " + _UPLOAD + " FROM media_files"
        " WHERE tenant_id = %s AND upload_key = ANY(%s) AND attached_at IS NULL AND swept_at IS NULL",
        (tx.tenant_id, list(upload_keys)),
    )


async def update_attached(tx: Tx, files: Sequence[tuple[Upload, int]], public: bool) -> list[StoredFile]:
    """Mark uploads as attached, each with its size, and return those that were not before, in no order."""
    return await tx.rows(
        StoredFile,
        "WITH chosen AS MATERIALIZED ("
        "  SELECT id, size FROM media_files JOIN unnest(%(ids)s::uuid[], %(sizes)s::bigint[]) AS row (id, size)"
        "    USING (id)"
        "  WHERE tenant_id = %(tenant_id)s AND attached_at IS NULL AND swept_at IS NULL"
        # In one order, so that two that attach the same files never wait for each other.
        "  ORDER BY id FOR UPDATE OF media_files"
        ") UPDATE media_files AS file SET attached_at = %(now)s, size_bytes = chosen.size, is_public = %(public)s"
        "  FROM chosen WHERE file.tenant_id = %(tenant_id)s AND file.id = chosen.id"
        "  RETURNING file.id, file_key, file_name, content_type, size_bytes, is_public",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "ids": [upload.id for upload, _ in files],
            "sizes": [size for _, size in files],
            "public": public,
        },
    )


async def get_file(tx: Tx, id: UUID) -> StoredFile:
    """Return a file that is attached; raises NotFound."""
    file = await tx.row(
        StoredFile,
        "SELECT " + _FILE + " FROM media_files"
        " WHERE tenant_id = %s AND id = %s AND attached_at IS NOT NULL AND released_at IS NULL",
        (tx.tenant_id, id),
    )
    if file is None:
        raise NotFound
    return file


async def get_public_file(tx: Tx, id: UUID) -> StoredFile:
    """Return a file that anybody may see, whosever it is; raises NotFound."""
    file = await tx.row(
        StoredFile,
        "SELECT " + _FILE + " FROM media_files"
        " WHERE id = %s AND is_public AND attached_at IS NOT NULL AND released_at IS NULL",
        (id,),
    )
    if file is None:
        raise NotFound
    return file


async def update_released(tx: Tx, id: UUID) -> None:
    """Mark an attached file as given up: nobody gets it any more, and the sweep deletes it.

    Not before the form expired that it was posted with: what is posted again then would be found by no sweep.
    """
    await tx.execute(
        "UPDATE media_files SET released_at = %s, due_at = coalesce(due_at, 'epoch')"
        " WHERE tenant_id = %s AND id = %s AND attached_at IS NOT NULL AND released_at IS NULL",
        (tx.now, tx.tenant_id, id),
    )


async def lock_due(tx: Tx, now: datetime, limit: int) -> list[DueFile]:
    """Return rows of all tenants whose time has come, which no other sweep has in hand."""
    return await tx.rows(
        DueFile,
        "SELECT tenant_id, id, upload_key, file_key, attached_at IS NOT NULL AS is_attached,"
        " released_at IS NOT NULL AS is_released, swept_at IS NOT NULL AS is_swept"
        " FROM media_files WHERE due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED",
        (now, limit),
    )


async def update_due(tx: Tx, ids: Sequence[UUID], due_at: datetime) -> None:
    """Let the sweep look at these rows again at this instant."""
    await tx.execute("UPDATE media_files SET due_at = %s WHERE id = ANY(%s)", (due_at, list(ids)))


async def update_swept(tx: Tx, ids: Sequence[UUID], now: datetime, due_at: datetime) -> None:
    """Let nobody attach these any more, and have the sweep come back at `due_at`."""
    await tx.execute("UPDATE media_files SET swept_at = %s, due_at = %s WHERE id = ANY(%s)", (now, due_at, list(ids)))


async def update_cleared(tx: Tx, ids: Sequence[UUID]) -> None:
    """Note that nothing is left to sweep of these attached files, unless one was given up meanwhile."""
    await tx.execute("UPDATE media_files SET due_at = NULL WHERE id = ANY(%s) AND released_at IS NULL", (list(ids),))


async def delete_swept(tx: Tx, ids: Sequence[UUID]) -> None:
    """Delete the rows of files that are gone."""
    await tx.execute("DELETE FROM media_files WHERE id = ANY(%s) AND swept_at IS NOT NULL", (list(ids),))
