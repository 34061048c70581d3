"""Give back what reservations hold whose time is over."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.reservations import steps, store
from kelviq_server.usage.reservations.records import Due


async def expire_reservations(tenant: Tenant, limit: int) -> int:
    """Let so many reservations expire at the most, the earliest first, customer by customer; return how many did."""
    async with transaction(tenant) as tx:
        due = await store.list_due(tx, limit)
    by_customer: dict[UUID, list[Due]] = {}
    for each in due:
        by_customer.setdefault(each.customer_id, []).append(each)
    expired = 0
    for customer_id, theirs in by_customer.items():
        async with transaction(tenant) as tx:
            expired += await steps.expire_due(tx, customer_id, theirs)
    return expired
