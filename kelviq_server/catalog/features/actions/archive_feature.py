"""Archive a feature."""

from uuid import UUID

from kelviq_server.catalog.features import store
from kelviq_server.catalog.features.errors import FeatureArchived
from kelviq_server.platform.database import Tenant, transaction


async def archive_feature(tenant: Tenant, id: UUID) -> None:
    """Take the feature out of the list; plans that grant it go on doing so. Raises FeatureArchived."""
    async with transaction(tenant) as tx:
        if (await store.lock_feature(tx, id)).is_archived:
            raise FeatureArchived
        await store.update_archived(tx, id)
