"""Bring back a plan, or an earlier version of it."""

from kelviq_server.catalog.plans import rules, store
from kelviq_server.catalog.plans.errors import PlanArchived, PlanNotArchived
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.plans.steps import copy_version, refuse_base, release_files
from kelviq_server.platform.database import Tenant, transaction


async def restore_plan(tenant: Tenant, identifier: str, number: int | None = None) -> PlanVersion:
    """Return the plan's newest version after bringing something back.

    With a number: that version, as a draft in place of any other. Without: an archived plan into the list,
    else the version for sale in place of the draft.
    Raises NotFound, PlanArchived, PlanNotArchived, InvalidFields.
    """
    async with transaction(tenant) as tx:
        plan = await store.lock_family(tx, identifier)
        if number is None and plan.is_archived:
            if plan.is_product_archived:
                raise PlanArchived
            await store.update_archived(tx, plan.id, is_archived=False)
            return await store.get_version(tx, identifier)
        rules.refuse_archived(plan)
        if number is None and (plan.draft is None or plan.published is None):
            raise PlanNotArchived
        wanted = plan.published if number is None else number
        source = await store.get_version(tx, identifier, wanted)
        if plan.draft is not None and wanted != plan.draft:
            draft = await store.get_version(tx, identifier, plan.draft)
            await store.delete_version(tx, draft.id)
            await release_files(tx, draft.files)
        if wanted not in (plan.published, plan.draft):
            await refuse_base(tx, plan.id, source.base_plan_id, ("version",))
            next_number = plan.last if plan.draft is not None else plan.last + 1
            return await copy_version(tx, plan.id, source, next_number)
        return await store.get_version(tx, identifier)
