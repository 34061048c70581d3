"""Media: attached once, swept up when nobody wants it, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kelviq_server.core.errors import NotFound
from kelviq_server.media import rules, steps
from kelviq_server.media.actions import sweep_uploads as sweeping
from kelviq_server.media.actions.sweep_uploads import sweep_uploads
from kelviq_server.media.errors import UploadNotUsable
from kelviq_server.media.records import StoredFile, Upload
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.platform.file_store import FileStore, current_file_store, use_file_store
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.worker import sweep
from tests import make
from tests.make import Made

# No row of another test is due at these: they are looked at in a store of their own.
NOW = datetime.now(UTC)
# However long after its import a test runs.
DAY_LATER = NOW + timedelta(days=1, hours=2)


@pytest.fixture
async def files(pool: None, tmp_path: Path) -> AsyncIterator[LocalFiles]:
    """A file store, and a table of files, with nothing in them."""
    before = current_file_store()
    async with transaction(INSTANCE) as tx:
        # With what other tests have left of the catalog.
        await tx.execute("TRUNCATE media_files CASCADE")
    files = LocalFiles(tmp_path / "media", b"secret")
    use_file_store(files)
    yield files
    use_file_store(before)


def holds(files: LocalFiles, key: str) -> bool:
    return files._path(key).exists()


async def attach(tenant: Tenant, *uploads: Upload, public: bool = False) -> list[StoredFile]:
    async with transaction(tenant) as tx:
        return await steps.attach(tx, [(upload, 7) for upload in uploads], public=public)


async def found(tenant: Tenant, *keys: str) -> list[str]:
    async with reading(tenant) as tx:
        return [upload.upload_key for upload in await steps.find_uploads(tx, keys)]


async def count() -> int:
    async with reading(INSTANCE) as tx:
        return await tx.value("SELECT count(*) FROM media_files")


async def test_uploads_are_found_in_the_order_asked_for_and_only_ones_own(made: Made, files: LocalFiles) -> None:
    one, two, three = [await make.upload(made.sandbox) for _ in range(3)]
    foreign = await make.upload(made.production)
    await attach(made.sandbox, two)
    keys = [three.upload_key, two.upload_key, foreign.upload_key, "tmp/none", one.upload_key, three.upload_key]
    assert await found(made.sandbox, *keys) == [three.upload_key, one.upload_key, three.upload_key]


async def test_a_file_is_attached_once(made: Made, files: LocalFiles) -> None:
    uploads = [await make.upload(made.sandbox) for _ in range(3)]
    attached = await attach(made.sandbox, *reversed(uploads), public=True)
    assert [file.id for file in attached] == [upload.id for upload in reversed(uploads)]
    assert {(file.is_public, file.size_bytes) for file in attached} == {(True, 7)}
    fresh = await make.upload(made.sandbox)
    for again in ([fresh, uploads[0]], [fresh, fresh]):
        with pytest.raises(UploadNotUsable):
            await attach(made.sandbox, *again)
    assert await found(made.sandbox, fresh.upload_key) == [fresh.upload_key]


async def test_of_many_who_attach_at_once_exactly_one_does(made: Made, files: LocalFiles) -> None:
    uploads = [await make.upload(made.sandbox) for _ in range(5)]
    orders: list[Sequence[Upload]] = [uploads, uploads[::-1]] * 5
    outcomes = await asyncio.gather(*(attach(made.sandbox, *order) for order in orders), return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, UploadNotUsable) for outcome in outcomes) == 9


async def test_a_file_of_another_tenant_can_be_neither_attached_nor_got_nor_released(
    made: Made, files: LocalFiles
) -> None:
    upload, file = await make.upload(made.production), await make.attached(made.production)
    with pytest.raises(UploadNotUsable):
        await attach(made.sandbox, upload)
    async with transaction(made.sandbox) as tx:
        with pytest.raises(NotFound):
            await steps.get_file(tx, file.id)
        await steps.release_file(tx, file.id)
    async with transaction(made.production) as tx:
        assert await steps.get_file(tx, file.id) == file


async def test_what_nobody_attached_is_swept_up_after_a_day(made: Made, files: LocalFiles) -> None:
    upload = await make.upload(made.sandbox)
    never_posted = await make.upload(made.sandbox, content=None)
    # Somebody had begun to attach it.
    await files.keep(upload.upload_key, upload.file_key)
    await sweep_uploads(NOW + timedelta(hours=23, minutes=55))
    assert await found(made.sandbox, upload.upload_key) == [upload.upload_key]
    await sweep_uploads(DAY_LATER)
    assert await found(made.sandbox, upload.upload_key, never_posted.upload_key) == []
    with pytest.raises(UploadNotUsable):
        await attach(made.sandbox, upload)
    # Marked, and not touched before whoever is copying it has certainly finished.
    await sweep_uploads(DAY_LATER + timedelta(minutes=14))
    assert holds(files, upload.upload_key)
    await sweep_uploads(DAY_LATER + rules.GRACE)
    assert not holds(files, upload.upload_key)
    assert not holds(files, upload.file_key)
    assert await count() == 0


async def test_time_in_a_frozen_sandbox_neither_keeps_nor_loses_an_upload(made: Made, files: LocalFiles) -> None:
    for year in (2001, 2099):
        await make.freeze_clock(made.sandbox, datetime(year, 1, 1, tzinfo=UTC))
        upload, file = await make.upload(made.sandbox), await make.attached(made.sandbox)
        await sweep_uploads(NOW + timedelta(hours=1))
        assert await found(made.sandbox, upload.upload_key) == [upload.upload_key]
        async with transaction(made.sandbox) as tx:
            await steps.release_file(tx, file.id)
    await sweep_uploads(DAY_LATER)
    await sweep_uploads(DAY_LATER + rules.GRACE)
    assert await count() == 0


async def test_what_is_attached_stays_and_what_was_posted_goes(made: Made, files: LocalFiles) -> None:
    file = await make.attached(made.sandbox)
    upload_key = file.file_key.replace("media/", "tmp/")
    # The form is still good, and somebody uses it again.
    make.put_object(upload_key, b"posted again")
    await sweep_uploads(NOW + timedelta(minutes=5))
    assert holds(files, upload_key)
    for _ in range(2):
        await sweep_uploads(DAY_LATER + timedelta(days=400))
    assert (holds(files, upload_key), holds(files, file.file_key)) == (False, True)
    async with reading(made.sandbox) as tx:
        assert await steps.get_file(tx, file.id) == file
        assert await tx.value("SELECT due_at FROM media_files") is None


async def test_a_file_that_is_given_up_is_gone_at_once_and_swept_up(made: Made, files: LocalFiles) -> None:
    for age in (timedelta(0), timedelta(days=2)):
        file = await make.attached(made.sandbox, public=True)
        await sweep_uploads(NOW + age)
        async with transaction(made.sandbox) as tx:
            await steps.release_file(tx, file.id)
            await steps.release_file(tx, file.id)
            with pytest.raises(NotFound):
                await steps.get_file(tx, file.id)
        await sweep_uploads(max(NOW + age, DAY_LATER))
        await sweep_uploads(max(NOW + age, DAY_LATER) + rules.GRACE)
        assert not holds(files, file.file_key)
        assert await count() == 0


async def test_what_is_posted_again_after_its_file_was_given_up_is_swept_up_too(made: Made, files: LocalFiles) -> None:
    upload = await make.upload(made.sandbox)
    size_bytes = await files.keep(upload.upload_key, upload.file_key)
    async with transaction(made.sandbox) as tx:
        await steps.attach(tx, [(upload, size_bytes)], public=True)
    async with transaction(made.sandbox) as tx:
        await steps.release_file(tx, upload.id)
    for age in (timedelta(0), rules.GRACE):
        await sweep_uploads(NOW + age)
    make.put_object(upload.upload_key, b"again")
    for age in (timedelta(0), rules.GRACE):
        await sweep_uploads(DAY_LATER + age)
    assert not holds(files, upload.upload_key)
    assert await count() == 0


class Failing(LocalFiles):
    """A file store that fails when it is to delete: before it did, or after."""

    when = "before"

    async def delete(self, keys: Sequence[str]) -> None:
        """Fail."""
        if self.when == "after":
            await super().delete(keys)
        raise OSError("no network")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_sweep_that_crashed_is_finished_by_the_next(
    made: Made, files: LocalFiles, tmp_path: Path, when: str
) -> None:
    upload, file = await make.upload(made.sandbox), await make.attached(made.sandbox)
    await sweep_uploads(DAY_LATER)
    failing = Failing(tmp_path / "media", b"secret")
    failing.when = when
    use_file_store(failing)
    await _fail(DAY_LATER + rules.GRACE)
    use_file_store(files)
    # In hand of the one that crashed, until its time is over.
    await sweep_uploads(DAY_LATER + rules.GRACE + timedelta(minutes=1))
    assert await count() == 2
    await sweep_uploads(DAY_LATER + rules.GRACE + rules.LEASE)
    assert not holds(files, upload.upload_key)
    assert (await count(), holds(files, file.file_key)) == (1, True)


async def _fail(now: datetime) -> None:
    with pytest.raises(OSError, match="no network"):
        await sweep_uploads(now)


class Interrupted(LocalFiles):
    """A file store that takes its time to delete, and lets something happen in between."""

    meanwhile: Callable[[], Awaitable[None]]

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete, after what happens meanwhile."""
        await self.meanwhile()
        await super().delete(keys)


async def test_a_file_given_up_while_the_sweep_has_it_in_hand_is_swept_up_later(
    made: Made, files: LocalFiles, tmp_path: Path
) -> None:
    file = await make.attached(made.sandbox)

    async def release() -> None:
        async with transaction(made.sandbox) as tx:
            await steps.release_file(tx, file.id)

    interrupted = Interrupted(tmp_path / "media", b"secret")
    interrupted.meanwhile = release
    use_file_store(interrupted)
    await sweep_uploads(DAY_LATER)
    use_file_store(files)
    for _ in range(2):
        await sweep_uploads(DAY_LATER + rules.GRACE)
        await sweep_uploads(DAY_LATER + rules.GRACE * 2)
    assert (await count(), holds(files, file.file_key)) == (0, False)


async def test_the_worker_sweeps_by_the_time_of_the_machine(made: Made, files: LocalFiles, tmp_path: Path) -> None:
    fresh = await make.upload(made.sandbox)
    use_file_store(LocalFiles(tmp_path / "media", b"secret", now=lambda: NOW - timedelta(days=2)))
    old = await make.upload(made.sandbox)
    await sweep()
    assert await found(made.sandbox, old.upload_key, fresh.upload_key) == [fresh.upload_key]


async def test_many_are_swept_up_in_batches_by_several_workers(
    made: Made, files: LocalFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 3)
    for _ in range(10):
        await make.upload(made.sandbox)
    await asyncio.gather(*(sweep_uploads(DAY_LATER) for _ in range(4)))
    await asyncio.gather(*(sweep_uploads(DAY_LATER + rules.GRACE) for _ in range(4)))
    assert await count() == 0


async def test_attaching_and_sweeping_at_once_leaves_no_file_without_its_content(made: Made, files: LocalFiles) -> None:
    uploads = [await make.upload(made.sandbox) for _ in range(20)]
    for upload in uploads:
        await files.keep(upload.upload_key, upload.file_key)
    outcomes, _ = await asyncio.gather(
        asyncio.gather(*(attach(made.sandbox, upload) for upload in uploads), return_exceptions=True),
        sweep_uploads(DAY_LATER),
    )
    await sweep_uploads(DAY_LATER + rules.GRACE)
    for upload, outcome in zip(uploads, outcomes, strict=True):
        assert isinstance(outcome, list | UploadNotUsable)
        assert holds(files, upload.file_key) is isinstance(outcome, list)


async def test_the_file_store_is_not_asked_while_a_transaction_is_open(made: Made, files: LocalFiles) -> None:
    store: FileStore = current_file_store()
    async with transaction(made.sandbox):
        for call in (store.keep("a", "b"), store.delete(["a"]), store.delete_unfinished(NOW)):
            with pytest.raises(RuntimeError, match="not inside a transaction"):
                await call
