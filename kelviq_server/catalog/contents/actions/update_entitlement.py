"""Change the terms on which a plan grants a feature."""

from collections.abc import Callable

from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import EntitlementDetails, PlanEntitlement
from kelviq_server.catalog.plans.steps import (
    begin_edit,
    find_entitlement,
    refuse_entitlements,
    write_entitlements,
)
from kelviq_server.core.entitlement import Entitlement
from kelviq_server.platform.database import Tenant, transaction


async def update_entitlement(
    tenant: Tenant, identifier: str, feature: str, change: Callable[[EntitlementDetails], EntitlementDetails]
) -> tuple[PlanEntitlement, Feature]:
    """Return the entitlement as the draft has it now; one that was inherited is overridden.

    Raises InvalidFields, NotFound, PlanArchived.
    """
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        found, granted = await find_entitlement(tx, editing.version, feature)
        changed = change(found.details)
        if changed == found.details:
            return found, granted
        new: PlanEntitlement = Entitlement(found.feature_id, changed)
        await refuse_entitlements(tx, editing.version, {(): new})
        own = editing.version.own
        others = [new if entitlement.feature_id == new.feature_id else entitlement for entitlement in own]
        version = await write_entitlements(
            tx, editing, others if new in others else [*others, new], editing.version.base_plan_id
        )
        return await find_entitlement(tx, version, feature)
