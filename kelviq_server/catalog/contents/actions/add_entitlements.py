"""Add entitlements to a plan."""

from collections.abc import Sequence

from kelviq_server.catalog.plans.errors import EntitlementExists
from kelviq_server.catalog.plans.records import NewEntitlement, PlanEntitlement, PlanVersion
from kelviq_server.catalog.plans.steps import begin_edit, refuse_entitlements, write_entitlements
from kelviq_server.core.entitlement import Entitlement
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.wire import Path


async def add_entitlements(tenant: Tenant, identifier: str, entitlements: Sequence[NewEntitlement]) -> PlanVersion:
    """Return the draft, which grants these features besides; one that the base plan grants is overridden.

    Raises InvalidFields, EntitlementExists, NotFound, PlanArchived.
    """
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        own = editing.version.own
        added: dict[Path, PlanEntitlement] = {
            ("planEntitlements", place): Entitlement(new.feature_id, new.details)
            for place, new in enumerate(entitlements)
        }
        await refuse_entitlements(tx, editing.version, added)
        if {entitlement.feature_id for entitlement in own} & {new.feature_id for new in entitlements}:
            raise EntitlementExists
        return await write_entitlements(tx, editing, [*own, *added.values()], editing.version.base_plan_id)
