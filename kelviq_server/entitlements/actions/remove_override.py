"""Let what is granted to a customer hold again."""

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.entitlements import store
from kelviq_server.entitlements.events import EntitlementOverrideRemoved
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.meters.steps import find_feature


async def remove_override(tenant: Tenant, customer: str, feature: str) -> None:
    """Take an override back, one that has expired too; raises NotFound."""
    async with transaction(tenant) as tx:
        locked = await customers.lock_customer(tx, customer)
        found = await find_feature(tx, feature)
        override = None if found is None else await store.find_override(tx, locked.id, found.id)
        if found is None or override is None:
            raise NotFound
        await store.delete_override(tx, locked.id, found.id)
        if found.feature_type is FeatureType.METER:
            await allowances.override(tx, locked.id, found.id, None)
        buyer = customers.summary_of(locked)
        tx.announce(EntitlementOverrideRemoved(override, found.name, buyer, tx.tenant.organization))
