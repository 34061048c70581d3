"""List records of subscriptions."""

from datetime import datetime

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.listing import Listed
from kelviq_server.platform.paging import Page
from kelviq_server.subscriptions.life import steps
from kelviq_server.subscriptions.life.records import SubscriptionFilter, WholeSubscription


async def list_subscriptions(
    tenant: Tenant, wanted: SubscriptionFilter, page: Page
) -> tuple[Listed[WholeSubscription], datetime]:
    """Return a page of the records, newest first, and what time it is by the tenant's clock."""
    async with transaction(tenant) as tx:
        listed = await steps.list_subscriptions(tx, wanted, page)
        return Listed(listed.count, await steps.wholes_of(tx, listed.results)), tx.now
