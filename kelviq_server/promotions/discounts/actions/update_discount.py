"""Change a discount."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.promotions.discounts import rules, steps, store
from kelviq_server.promotions.discounts.errors import DiscountExists
from kelviq_server.promotions.discounts.records import Discount


async def update_discount(tenant: Tenant, id: UUID, sent: Mapping[str, Any]) -> Discount:
    """Return the discount with what was sent, as it now is; nothing new changes nothing.

    Raises NotFound, InvalidFields, DiscountExists, DiscountOfPromotion.
    """
    async with transaction(tenant) as tx:
        discount = rules.own_discount(await store.lock_discount(tx, id))
        edit = rules.edit(discount, sent, await steps.offered_of(tx, sent.get("restrictions", ())))
        if edit is None:
            return discount
        if edit.code != discount.code and await store.lock_code(tx, edit.code) not in (None, id):
            raise DiscountExists
        await store.update_discount(tx, id, edit)
        return await store.get_discount(tx, id)
