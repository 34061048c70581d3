"""Change what is shown of a file of a plan."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.catalog.contents import store
from kelviq_server.catalog.plans import rules
from kelviq_server.catalog.plans import store as plans
from kelviq_server.catalog.plans.records import PlanFile
from kelviq_server.catalog.plans.steps import begin_edit, file_of, open_draft
from kelviq_server.platform.database import Tenant, transaction


async def update_file(tenant: Tenant, identifier: str, id: UUID, sent: Mapping[str, Any]) -> PlanFile:
    """Return the file as the draft has it now. Raises NotFound, PlanArchived."""
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        file = file_of(editing.version, id)
        changed = rules.changed_file(file, sent)
        if changed is None:
            return file
        draft = await open_draft(tx, editing)
        await store.delete_file(tx, draft.id, id)
        await store.insert_files(tx, draft.id, [changed])
        await plans.update_modified(tx, draft.id)
        return changed
