"""Archive a plan."""

from kelviq_server.catalog.plans import rules, store
from kelviq_server.platform.database import Tenant, transaction


async def archive_plan(tenant: Tenant, identifier: str) -> None:
    """Take all versions of a plan out of the list; who bought one keeps it. Raises NotFound, PlanArchived."""
    async with transaction(tenant) as tx:
        plan = await store.lock_family(tx, identifier)
        rules.refuse_archived(plan)
        await store.update_archived(tx, plan.id, is_archived=True)
