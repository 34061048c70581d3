"""Replace the entitlements of a plan, and say which plan it is based on."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.records import NewEntitlement, PlanEntitlement, PlanVersion
from kelviq_server.catalog.plans.steps import begin_edit, refuse_entitlements, write_entitlements
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
        base = editing.version.base_plan if keeps_base else base_plan
        base_id = None if base is None else await store.find_plan_id(tx, base)
        if base is not None and base_id is None:
            refuse_faults([(("basePlan",), f'Invalid identifier "{base}" - object does not exist.')])
        if base_id is not None and await store.has_base_above(tx, editing.plan.id, base_id):
            refuse_faults([(("basePlan",), "A plan is not based on itself, near or far.")])
        inherited = await store.list_granted(tx, base_id) if base_id is not None else set[UUID]()
        own: dict[Path, PlanEntitlement] = {
            ("planEntitlements", place): Entitlement(new.feature_id, new.details)
            for place, new in enumerate(entitlements)
            if not (new.is_as_inherited and new.feature_id in inherited)
        }
        await refuse_entitlements(tx, own)
        return await write_entitlements(tx, editing, list(own.values()), base)
