"""Change what a plan says about itself, and add files."""

from collections.abc import Mapping, Sequence
from typing import Any

from kelviq_server.catalog.actions.keep_uploads import keep_uploads
from kelviq_server.catalog.plans import rules, store
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.plans.steps import add_files, begin_edit, open_draft
from kelviq_server.platform.database import Tenant, reading, transaction


async def update_plan(
    tenant: Tenant, identifier: str, version: int | None, sent: Mapping[str, Any], file_keys: Sequence[str] = ()
) -> PlanVersion:
    """Return the version that was written: the draft, opened if there was none. Nothing new opens and changes nothing.

    Raises InvalidFields, NotFound, PlanArchived, VersionFixed.
    """
    if file_keys:
        async with reading(tenant) as tx:
            await store.get_version(tx, identifier)
    files = await keep_uploads(tenant, "fileKeys", file_keys)
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier, version)
        fields = rules.changed_fields(editing.version, sent)
        if fields is None and not files:
            return editing.version
        draft = await open_draft(tx, editing)
        await store.update_fields(tx, draft.id, fields or rules.fields_of(draft))
        await add_files(tx, draft, files)
        return await store.get_version(tx, identifier, draft.version)
