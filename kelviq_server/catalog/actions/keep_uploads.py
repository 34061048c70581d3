"""Move uploads to permanent storage."""

import asyncio
from collections.abc import Callable, Sequence

from kelviq_server.media import steps as media
from kelviq_server.media.records import Upload
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.platform.file_store import FileMissing, current_file_store
from kelviq_server.platform.wire import Path, refuse_faults


async def keep_uploads(
    tenant: Tenant, field: str, keys: Sequence[str], refuse: Callable[[Upload], str | None] = lambda upload: None
) -> list[tuple[Upload, int]]:
    """Return the uploads under these keys, each with its size in bytes, once they stand in permanent storage.

    Comes before the transaction that attaches them, and may be done again: should that one never commit,
    they are swept like any upload that nobody attached. Raises InvalidFields at the field that named them.
    """
    if not keys:
        return []
    async with reading(tenant) as tx:
        found = {upload.upload_key: upload for upload in await media.find_uploads(tx, keys)}
    faults: list[tuple[Path, str]] = []
    for place, key in enumerate(keys):
        if key not in found:
            faults.append(((field, place), "There is no such upload, or it was attached already."))
        elif key in keys[:place]:
            faults.append(((field, place), "This key appears more than once."))
        elif reason := refuse(found[key]):
            faults.append(((field, place), reason))
    refuse_faults(faults)
    uploads = [found[key] for key in keys]
    files = current_file_store()
    sizes = await asyncio.gather(
        *(files.keep(upload.upload_key, upload.file_key) for upload in uploads), return_exceptions=True
    )
    kept: list[tuple[Upload, int]] = []
    for place, (upload, size) in enumerate(zip(uploads, sizes, strict=True)):
        if isinstance(size, FileMissing):
            faults.append(((field, place), "Nothing was uploaded under this key yet."))
        elif isinstance(size, BaseException):
            raise size
        else:
            kept.append((upload, size))
    refuse_faults(faults)
    return kept
