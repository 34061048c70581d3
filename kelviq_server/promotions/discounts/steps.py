"""What others may borrow of discounts: to hold a code against a sale, and to count who redeemed it."""

from collections.abc import Collection
from uuid import UUID

from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.products import steps as products
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import text_fault
from kelviq_server.promotions.discounts import rules, store
from kelviq_server.promotions.discounts.errors import DiscountUsedUp
from kelviq_server.promotions.discounts.records import NamedRestriction, Offered, Sale, SaleDiscount
from kelviq_server.promotions.discounts.rules import CODE_ALPHABET, CODE_CHARACTERS, refuse_card, refuse_country_unknown

__all__ = [
    "CODE_ALPHABET",
    "CODE_CHARACTERS",
    "differences",
    "discount_for_sale",
    "find_currency",
    "find_standing",
    "offered_of",
    "redeem",
    "refuse_card",
    "refuse_country_unknown",
    "release",
]


async def discount_for_sale(
    tx: Tx,
    code: str,
    *,
    product_id: UUID,
    plan_id: UUID,
    price_id: UUID,
    currency: str,
    country: str | None,
    is_binding: bool = True,
) -> SaleDiscount:
    """Return the discount that a buyer's code stands for.

    `is_binding`: whether it is sold in this transaction: nobody else redeems or changes it until the commit. Else
    nobody waits, who only looks at what it comes to.
    `country`: where the buyer is, None while nobody has said. Raises DiscountUnknown, DiscountExpired, DiscountUsedUp,
    DiscountNotForPlan, DiscountInOtherCurrency, DiscountNotForCountry.
    """
    sale = Sale(product_id, plan_id, price_id, currency, country)
    # What no code can be, the database could not even look for.
    find = store.lock_redeemable if is_binding else store.find_redeemable
    found = None if text_fault(code) else await find(tx, code.strip())
    return rules.sale_discount(rules.refuse_sale(found, sale, tx.now))


async def find_currency(tx: Tx, code: str) -> str | None:
    """Return the currency of the amount that a buyer's code takes off; None where it takes off a part, or is none."""
    return None if text_fault(code) else await store.find_currency(tx, code.strip())


async def find_standing(
    tx: Tx, discount_id: UUID, *, product_id: UUID, plan_id: UUID, price_id: UUID, currency: str, is_same_plan: bool
) -> SaleDiscount | None:
    """Return a discount that was redeemed before, where it holds for this, too; else None.

    What was sold with it goes on having it, though it is disabled, deleted, used up or past its end since. What a
    promotion holds for is asked anew of another plan alone: its products may change, and not what was bought.
    """
    discount = await store.find_known(tx, discount_id)
    if discount is None:
        return None
    is_kept = is_same_plan and discount.promotion_id is not None
    if not is_kept and not rules.holds_for(discount, Sale(product_id, plan_id, price_id, currency)):
        return None
    return rules.sale_discount(discount)


async def redeem(
    tx: Tx, discount_id: UUID, *, order_id: str, customer_id: UUID, currency: str, amount_units: int
) -> None:
    """Count that a discount took so much off an order, once, however often it is said; raises DiscountUsedUp, NotFound.

    Whether the code holds is not asked again: what was sold with it counts, though it expired or was deleted since.
    """
    has_room = await store.lock_room(tx, discount_id)
    if await store.has_redemption(tx, discount_id, order_id):
        return
    if not has_room:
        raise DiscountUsedUp
    await store.insert_redemption(
        tx, discount_id, order_id=order_id, customer_id=customer_id, currency=currency, amount_units=amount_units
    )


async def release(tx: Tx, *, order_id: str) -> None:
    """Undo what an order redeemed, because it was not paid; once, however often it is said."""
    await store.delete_redemptions(tx, await store.lock_redeemed(tx, order_id), order_id)


async def differences(tx: Tx) -> list[UUID]:
    """Return the discounts whose count is not that of their redemptions; there are none unless we are at fault."""
    return await store.list_miscounted(tx)


async def offered_of(tx: Tx, named: Collection[NamedRestriction]) -> Offered:
    """Return what there is of what restrictions name."""
    if not named:
        return Offered(frozenset(), {})
    known = await products.list_known(tx, {restriction.product_id for restriction in named})
    offered = await plans.list_offered(tx, {restriction.plan for restriction in named if restriction.plan is not None})
    return Offered(known, {plan.identifier: plan for plan in offered})
