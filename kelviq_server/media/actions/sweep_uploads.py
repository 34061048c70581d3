"""Sweep up the files that nobody attached, those that were given up, and what attached ones left behind."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kelviq_server.media import rules, store
from kelviq_server.media.records import Chore, DueFile
from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.platform.file_store import current_file_store

BATCH = 200
ROUNDS = 100
# No upload takes so long.
UNFINISHED = timedelta(days=1)


async def sweep_uploads(now: datetime) -> None:
    """Do what is due at this instant of machine time, for all tenants; safe to run in several workers at once.

    A file is marked first and deleted some time later, so that nothing is deleted that somebody is just attaching.
    Its row goes last: whatever a crash leaves behind, the next sweep finds.
    """
    await current_file_store().delete_unfinished(now - UNFINISHED)
    for _ in range(ROUNDS):
        if await _sweep_some(now) < BATCH:
            break


async def _sweep_some(now: datetime) -> int:
    """Do one batch and return how many files it had."""
    async with transaction(INSTANCE) as tx:
        due = await store.lock_due(tx, now, BATCH)
        marked = _of(due, Chore.MARK)
        gone, cleared = _of(due, Chore.DELETE), _of(due, Chore.CLEAR)
        await store.update_swept(tx, [file.id for file in marked], now, now + rules.GRACE)
        # Lent to this sweep; should it fail, these come back, and no failure stands in the way of the rest.
        await store.update_due(tx, [file.id for file in (*gone, *cleared)], now + rules.LEASE)
    keys = [file.upload_key for file in (*gone, *cleared)] + [file.file_key for file in gone]
    if keys:
        await current_file_store().delete(keys)
        async with transaction(INSTANCE) as tx:
            await store.delete_swept(tx, [file.id for file in gone])
            await store.update_cleared(tx, [file.id for file in cleared])
    return len(due)


def _of(due: Sequence[DueFile], chore: Chore) -> list[DueFile]:
    return [file for file in due if rules.chore(file) is chore]
