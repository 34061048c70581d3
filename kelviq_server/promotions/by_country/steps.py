"""What the actions on promotions share."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import random_text
from kelviq_server.platform.wire import Path, refuse_faults
from kelviq_server.promotions.by_country import rules, store
from kelviq_server.promotions.by_country.records import Covered, NewPromotion
from kelviq_server.promotions.discounts import steps as discounts
from kelviq_server.promotions.discounts.errors import DiscountBlocked
from kelviq_server.promotions.discounts.records import NamedRestriction, SaleDiscount
from kelviq_server.promotions.discounts.steps import CODE_ALPHABET, CODE_CHARACTERS
from kelviq_server.visitors.steps import visitor_at


async def write_codes(tx: Tx, id: UUID, promotion: NewPromotion) -> None:
    """Let a locked promotion give the codes that its percentages ask for."""
    gone, new = rules.changed_codes(await store.list_codes(tx, id), rules.percentages(promotion))
    if gone:
        await store.delete_codes(tx, gone)
    if new:
        codes = {country: "KQ" + random_text(CODE_CHARACTERS, CODE_ALPHABET) for country in new}
        await store.insert_codes(tx, id, promotion, new, codes)


async def code_for_sale(
    tx: Tx,
    code: str,
    *,
    product_id: UUID,
    plan_id: UUID,
    price_id: UUID,
    currency: str,
    country: str | None,
    address: str | None,
    is_binding: bool = True,
) -> SaleDiscount:
    """Return the discount that a buyer's code stands for; if `is_binding`, nobody else redeems or changes it meanwhile.

    `country`: where the buyer is; `address`: from which they buy; None while nobody has said. Raises what
    `discount_for_sale` does, and DiscountBlocked for a promotion's code from where that gives none.
    """
    discount = await discounts.discount_for_sale(
        tx, code, product_id=product_id, plan_id=plan_id, price_id=price_id, currency=currency, country=country,
        is_binding=is_binding,
    )  # fmt: skip
    visitor = visitor_at(address)
    if discount.promotion_id is not None and visitor.address is not None:
        found = await store.find_for_visitor(tx, discount.promotion_id, None, visitor.address)
        if found is not None and rules.is_blocked(found.promotion.security, rules.flags_of(found, visitor)):
            raise DiscountBlocked
    return discount


async def covered(tx: Tx, named: Sequence[NamedRestriction]) -> list[Covered]:
    """Return what these name: products, and plans that are or were for sale; raises InvalidFields."""
    offered = await discounts.offered_of(tx, named)
    found: dict[Covered, None] = {}
    faults: list[tuple[Path, str]] = []
    for place, each in enumerate(named):
        plan = None if each.plan is None else offered.plans.get(each.plan)
        if each.product_id not in offered.products:
            reason = f'Invalid pk "{each.product_id}" - object does not exist.'
            faults.append((("restrictions", place, "product"), reason))
        elif each.plan is not None and (plan is None or plan.product_id != each.product_id):
            faults.append((("restrictions", place, "plan"), "The product has no such plan that is or was for sale."))
        found[Covered(each.product_id, None if plan is None else plan.id, each.plan)] = None
    refuse_faults(faults)
    return list(found)
