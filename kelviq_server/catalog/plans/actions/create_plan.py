"""Create a plan."""

from collections.abc import Sequence

from kelviq_server.catalog.actions.keep_uploads import keep_uploads
from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.errors import PlanExists
from kelviq_server.catalog.plans.records import NewPlan, PlanVersion
from kelviq_server.catalog.plans.steps import add_files
from kelviq_server.catalog.products.store import find_currency
from kelviq_server.core.slugs import free_slug, slug_of
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.wire import refuse_faults


async def create_plan(tenant: Tenant, new: NewPlan, file_keys: Sequence[str] = ()) -> PlanVersion:
    """Return the first version of the new plan, a draft; raises InvalidFields, or PlanExists for a taken identifier."""
    files = await keep_uploads(tenant, "fileKeys", file_keys)
    async with transaction(tenant) as tx:
        if await find_currency(tx, new.product_id) is None:
            refuse_faults([(("product",), f'Invalid pk "{new.product_id}" - object does not exist.')])
        start = new.identifier or slug_of(new.fields.name, "plan")
        taken = await store.lock_identifiers(tx, start)
        identifier = new.identifier or free_slug(start, taken)
        id = await store.insert_plan(tx, identifier, new.product_id)
        if id is None:
            raise PlanExists
        await store.insert_draft(tx, id, 1, new.fields)
        await add_files(tx, await store.get_version(tx, identifier), files)
        return await store.get_version(tx, identifier)
