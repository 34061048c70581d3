"""Take a file from a plan."""

from uuid import UUID

from kelviq_server.catalog.contents import store
from kelviq_server.catalog.plans import store as plans
from kelviq_server.catalog.plans.steps import begin_edit, file_of, open_draft, release_files
from kelviq_server.platform.database import Tenant, transaction


async def delete_file(tenant: Tenant, identifier: str, id: UUID) -> None:
    """Take a file from the draft; those who bought an earlier version keep it. Raises NotFound, PlanArchived."""
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        file = file_of(editing.version, id)
        draft = await open_draft(tx, editing)
        await store.delete_file(tx, draft.id, id)
        await plans.update_modified(tx, draft.id)
        await release_files(tx, [file])
