"""Put the draft of a plan on sale."""

from kelviq_server.catalog.contents import store as contents
from kelviq_server.catalog.plans import rules, store
from kelviq_server.catalog.plans.records import Publishable, Rollout
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.tenants import steps as tenants


async def publish_plan(tenant: Tenant, identifier: str, rollout: Rollout) -> None:
    """Put the draft on sale instead of the version that was; from now on it never changes.

    What it inherits is written down as it is at this moment. What is to be done for the customers of
    earlier versions is recorded, and carried out from their next period on.
    Raises NotFound, PlanArchived, PlanPublished, PlanWithoutPrice, PriceWithoutCharges, CurrencyMissing,
    BaseNotPublished, NoGateway.
    """
    async with transaction(tenant) as tx:
        plan = await store.lock_family(tx, identifier)
        draft = await store.get_version(tx, identifier, plan.draft)
        has_base = draft.base_plan is not None
        rules.refuse_publishing(
            plan,
            Publishable(
                draft.prices,
                await store.list_published_currencies(tx, plan.id),
                draft.base_plan,
                not has_base or await store.has_published(tx, draft.base_plan or ""),
                await tenants.has_gateway(tx),
            ),
        )
        if has_base:
            await contents.delete_entitlements(tx, draft.id)
            await contents.insert_entitlements(tx, draft.id, draft.granted)
        await store.update_published(tx, plan.id, draft.id)
        if rollout.concerns_anybody and plan.published is not None:
            await store.insert_migration(tx, plan.id, draft.id, rollout)
