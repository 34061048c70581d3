"""Take an entitlement from a plan."""

from kelviq_server.catalog.plans.errors import EntitlementInherited
from kelviq_server.catalog.plans.steps import begin_edit, find_entitlement, write_entitlements
from kelviq_server.platform.database import Tenant, transaction


async def remove_entitlement(tenant: Tenant, identifier: str, feature: str) -> None:
    """Let the draft no longer grant a feature; where it overrode its base plan, what that says holds again.

    Raises NotFound, PlanArchived, EntitlementInherited.
    """
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        found, _ = await find_entitlement(tx, editing.version, feature)
        own = editing.version.own
        left = [entitlement for entitlement in own if entitlement.feature_id != found.feature_id]
        if left == own:
            raise EntitlementInherited
        await write_entitlements(tx, editing, left, editing.version.base_plan_id)
