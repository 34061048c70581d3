"""Create a promotion."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.promotions.by_country import steps, store
from kelviq_server.promotions.by_country.records import Banner, NewPromotion, Promotion, Security


async def create_promotion(tenant: Tenant, sent: Mapping[str, Any]) -> Promotion:
    """Return the new promotion, whose codes can be redeemed at once; raises InvalidFields."""
    async with transaction(tenant) as tx:
        values: dict[str, Any] = dict(sent) | {"restrictions": await steps.covered(tx, sent["restrictions"])}
        values |= {"banner": Banner(**values.get("banner", {})), "security": Security(**values.get("security", {}))}
        new, id = NewPromotion(**values), new_id(tx.now)
        await store.insert_promotion(tx, id, new)
        await steps.write_codes(tx, id, new)
        return await store.get_promotion(tx, id)
