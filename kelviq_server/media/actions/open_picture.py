"""Open a public picture, to pass it on."""

from collections.abc import AsyncIterator
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.media import rules, store
from kelviq_server.media.records import StoredFile
from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.platform.file_store import FileMissing, current_file_store


async def open_picture(id: UUID) -> tuple[StoredFile, AsyncIterator[bytes]]:
    """Return a picture that anybody may see, whosever it is, and its content piece by piece.

    Raises NotFound, also for what is no picture or too large to be passed on, and Unavailable.
    """
    async with reading(INSTANCE) as tx:
        file = await store.get_public_file(tx, id)
    if not rules.is_passed_on(file):
        raise NotFound
    try:
        return file, await current_file_store().read(file.file_key)
    except FileMissing:
        raise NotFound from None
