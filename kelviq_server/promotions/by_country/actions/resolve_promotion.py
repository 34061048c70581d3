"""Find out what a visitor gets."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, reading
from kelviq_server.promotions.by_country import rules, store
from kelviq_server.promotions.by_country.errors import PromotionUnknown
from kelviq_server.promotions.by_country.records import Resolved
from kelviq_server.visitors.records import Visitor


async def resolve_promotion(tenant: Tenant, id: UUID, visitor: Visitor) -> Resolved:
    """Return what a promotion has for a visitor; raises PromotionUnknown."""
    async with reading(tenant) as tx:
        found = await store.find_for_visitor(tx, id, visitor.country, visitor.address)
    if found is None:
        raise PromotionUnknown
    return rules.resolved(found, visitor)
