"""Set a customer's usage of a meter to zero."""

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.entitlements.events import EntitlementUsageReset
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.meters.steps import find_feature
from kelviq_server.usage.reports.errors import NoMeter


async def reset_usage(tenant: Tenant, customer: str, feature: str, reason: str | None) -> int:
    """Let a customer have their whole quota again in the current period; return how much they had used.

    What is charged for it stays. Raises NotFound, NoMeter.
    """
    async with transaction(tenant) as tx:
        locked = await customers.lock_customer(tx, customer)
        found = await find_feature(tx, feature)
        if found is None:
            raise NotFound
        if found.feature_type is not FeatureType.METER:
            raise NoMeter
        used = await allowances.reset(tx, locked.id, found.id)
        buyer = customers.summary_of(locked)
        tx.announce(EntitlementUsageReset(found, buyer, used, reason, tx.now, tx.tenant.organization))
        return used
