"""Say in which countries a plan is sold."""

from collections.abc import Sequence

from kelviq_server.catalog.plans import rules, store
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.platform.database import Tenant, transaction


async def restrict_plan(tenant: Tenant, identifier: str, countries: Sequence[str]) -> PlanVersion:
    """Let a plan be sold in these countries alone, or everywhere without any, in all versions and at once.

    Who has it keeps it. Raises NotFound, PlanArchived.
    """
    async with transaction(tenant) as tx:
        plan = await store.lock_family(tx, identifier)
        rules.refuse_archived(plan)
        await store.update_countries(tx, plan.id, sorted(set(countries)))
        return await store.get_version(tx, identifier)
