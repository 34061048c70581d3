"""Discard the draft of a plan."""

from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.errors import PlanIsBase, PlanPublished
from kelviq_server.catalog.plans.steps import release_files
from kelviq_server.platform.database import Tenant, transaction


async def discard_draft(tenant: Tenant, identifier: str) -> None:
    """Delete the draft; what is for sale stays. A plan that never was for sale is gone then, and its identifier free.

    Raises NotFound, PlanPublished, PlanIsBase.
    """
    async with transaction(tenant) as tx:
        plan = await store.lock_family(tx, identifier)
        if plan.draft is None:
            raise PlanPublished
        draft = await store.get_version(tx, identifier, plan.draft)
        await store.delete_version(tx, draft.id)
        if plan.published is None:
            await store.lock_bases(tx)
            if await store.has_children(tx, plan.id):
                raise PlanIsBase
            await store.delete_plan(tx, plan.id)
        await release_files(tx, draft.files)
