"""Change a feature's name, description or metadata."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.catalog.features import rules, store
from kelviq_server.catalog.features.records import Feature
from kelviq_server.platform.database import Tenant, transaction


async def update_feature(tenant: Tenant, id: UUID, sent: Mapping[str, Any]) -> Feature:
    """Return the feature with the sent columns as they now are; nothing new changes nothing."""
    async with transaction(tenant) as tx:
        feature = await store.lock_feature(tx, id)
        values = rules.edit(feature, sent)
        if values is None:
            return feature
        await store.update_feature(tx, feature, values)
        return await store.get_feature(tx, id)
