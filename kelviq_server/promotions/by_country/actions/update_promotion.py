"""Change a promotion."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.promotions.by_country import rules, steps, store
from kelviq_server.promotions.by_country.records import Promotion


async def update_promotion(tenant: Tenant, id: UUID, sent: Mapping[str, Any]) -> Promotion:
    """Return the promotion with what was sent, which holds from now on; raises PromotionUnknown, InvalidFields."""
    async with transaction(tenant) as tx:
        before = await store.lock_promotion(tx, id)
        values = dict(sent)
        if "restrictions" in sent:
            values["restrictions"] = await steps.covered(tx, sent["restrictions"])
        after = rules.edit(before, values)
        if after is None:
            return before
        await store.update_promotion(tx, id, after)
        await steps.write_codes(tx, id, after)
        return await store.get_promotion(tx, id)
