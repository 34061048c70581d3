"""Show a record of a subscription."""

from datetime import datetime
from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.life import steps
from kelviq_server.subscriptions.life.errors import SubscriptionUnknown
from kelviq_server.subscriptions.life.records import WholeSubscription


async def show_subscription(tenant: Tenant, id: UUID) -> tuple[WholeSubscription, datetime]:
    """Return a record and what time it is by the tenant's clock; raises SubscriptionUnknown."""
    # A transaction, since how much of a trial is left depends on the instant.
    async with transaction(tenant) as tx:
        found = await steps.find_subscription(tx, id)
        if found is None or not found.is_seen:
            raise SubscriptionUnknown
        return await steps.whole_of(tx, found), tx.now
