"""Replace the entitlements of a plan, and say which plan it is based on."""

from collections.abc import Sequence

from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.records import NewEntitlement, PlanEntitlement, PlanVersion
from kelviq_server.catalog.plans.steps import begin_edit, refuse_base, refuse_entitlements, write_entitlements
from kelviq_server.core.entitlement import Entitlement
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.wire import Path, refuse_faults


async def replace_entitlements(
    tenant: Tenant, identifier: str, entitlements: Sequence[NewEntitlement], base_plan: str | None, *, keeps_base: bool
) -> PlanVersion:
    """Return the draft, which now grants these features, and what its base plan grants besides.

    Raises InvalidFields, NotFound, PlanArchived.
    """
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        base_id = editing.version.base_plan_id
        if not keeps_base:
            # Locked first: a plan that is found is there until the commit.
            await store.lock_bases(tx)
            base_id = None if base_plan is None else await store.find_plan_id(tx, base_plan)
            if base_plan is not None and base_id is None:
                refuse_faults([(("basePlan",), f'Invalid identifier "{base_plan}" - object does not exist.')])
            await refuse_base(tx, editing.plan.id, base_id, ("basePlan",))
        inherited = [] if base_id is None else await store.list_granted(tx, base_id)
        theirs = {entitlement.feature_id: entitlement.details for entitlement in inherited}
        written: dict[Path, PlanEntitlement] = {
            ("planEntitlements", place): Entitlement(new.feature_id, new.details)
            for place, new in enumerate(entitlements)
        }
        await refuse_entitlements(tx, editing.version, written)
        own = [
            entitlement
            for new, entitlement in zip(entitlements, written.values(), strict=True)
            if not (new.is_as_inherited and theirs.get(new.feature_id) == new.details)
        ]
        return await write_entitlements(tx, editing, own, base_id)
