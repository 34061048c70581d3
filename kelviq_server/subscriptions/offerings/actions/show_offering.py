"""Look at what a product is offered as."""

from collections.abc import Collection
from uuid import UUID

from kelviq_server.platform.database import Tenant, reading
from kelviq_server.subscriptions.offerings import rules, store
from kelviq_server.subscriptions.offerings.errors import ProductUnknown
from kelviq_server.subscriptions.offerings.records import Offering
from kelviq_server.visitors.records import Visitor


async def show_offering(
    tenant: Tenant, product_id: UUID, customer: str | None, visitor: Visitor, named: Collection[str]
) -> Offering:
    """Return what somebody, or a customer, sees of a product; raises ProductUnknown."""
    async with reading(tenant) as tx:
        locale = rules.locale_of(visitor.country, tx.machine_now.date())
        found = await store.find_offering(tx, product_id, customer, locale.currencies)
    if found is None:
        raise ProductUnknown
    return rules.offering_of(found, locale, named)
