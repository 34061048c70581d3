"""Let something hold for one customer instead of what their subscriptions grant."""

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.entitlements import rules, store
from kelviq_server.entitlements.events import EntitlementOverridden
from kelviq_server.entitlements.records import NewOverride, Override
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.wire import refuse_faults
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.meters.steps import find_feature


async def set_override(tenant: Tenant, customer: str, feature: str, new: NewOverride) -> Override:
    """Return what holds from now on, in place of what held before; what holds already changes nothing.

    Raises NotFound, InvalidFields.
    """
    async with transaction(tenant) as tx:
        locked = await customers.lock_customer(tx, customer)
        found = await find_feature(tx, feature)
        if found is None:
            raise NotFound
        refuse_faults(rules.override_faults(found.feature_type, new, tx.now))
        before = await store.find_override(tx, locked.id, found.id)
        if before is not None and before.says(new):
            return before
        override = await store.insert_override(tx, locked.id, found, new)
        if found.feature_type is FeatureType.METER:
            await allowances.override(tx, locked.id, found.id, rules.limit_of(override))
        buyer = customers.summary_of(locked)
        tx.announce(EntitlementOverridden(override, found.name, buyer, tx.tenant.organization))
        return override
