"""Create a discount."""

from collections.abc import Mapping
from typing import Any

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import random_text
from kelviq_server.promotions.discounts import rules, steps, store
from kelviq_server.promotions.discounts.errors import DiscountExists
from kelviq_server.promotions.discounts.records import Discount


async def create_discount(tenant: Tenant, sent: Mapping[str, Any]) -> Discount:
    """Return the new discount, with a code of ours where none was sent; raises InvalidFields or DiscountExists."""
    code = sent["code"] or random_text(rules.CODE_CHARACTERS, rules.CODE_ALPHABET)
    async with transaction(tenant) as tx:
        offered = await steps.offered_of(tx, sent["restrictions"])
        new = rules.new_discount({**sent, "code": code}, offered)
        if await store.lock_code(tx, code) is not None:
            raise DiscountExists
        return await store.get_discount(tx, await store.insert_discount(tx, new))
