"""Create a feature."""

from kelviq_server.catalog.features import rules, store
from kelviq_server.catalog.features.errors import FeatureExists
from kelviq_server.catalog.features.records import Feature, NewFeature
from kelviq_server.core.slugs import free_slug, slug_of
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.wire import refuse_faults


async def create_feature(tenant: Tenant, new: NewFeature) -> Feature:
    """Return the new feature; raises InvalidFields, or FeatureExists when the identifier was ever taken."""
    refuse_faults(rules.faults(new))
    async with transaction(tenant) as tx:
        start = new.identifier or slug_of(new.name, "feature")
        taken = await store.lock_identifiers(tx, start)
        identifier = new.identifier or free_slug(start, taken)
        id = await store.insert_feature(tx, identifier, new)
        if id is None:
            raise FeatureExists
        return await store.get_feature(tx, id)
