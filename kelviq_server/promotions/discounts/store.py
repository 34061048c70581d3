"""All SQL about discounts."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import fold, folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.listing import CHOSEN, FOUND, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.promotions.discounts.records import (
    Discount,
    DiscountStatus,
    NewDiscount,
    Redemption,
    Restriction,
)

# By the clock that %(now)s was read from.
_STATUS: LiteralString = (
    "CASE WHEN NOT is_enabled THEN 'DISABLED'"
    " WHEN expires_at <= %(now)s OR redemptions >= redemption_limit THEN 'EXPIRED' ELSE 'ACTIVE' END"
)
_RESTRICTIONS: LiteralString = (
    "(SELECT coalesce(json_agg(restriction), '[]') FROM ("
    "  SELECT r.product_id, p.identifier AS plan, r.price_id, r.plan_id, c.currency FROM ("
    "   SELECT product_id, plan_id, price_id, ordering FROM discount_restrictions AS d"
    "    WHERE d.tenant_id = page.tenant_id AND d.discount_id = page.id"
    # A promotion's codes hold for what that now names.
    "   UNION ALL SELECT e.product_id, e.plan_id, NULL, 0 FROM promotions AS m,"
    "    json_to_recordset(m.restrictions) AS e (product_id uuid, plan_id uuid)"
    "    WHERE m.tenant_id = page.tenant_id AND m.id = page.promotion_id) AS r"
    "  LEFT JOIN plans AS p ON p.tenant_id = page.tenant_id AND p.id = r.plan_id"
    "  LEFT JOIN plan_prices AS c ON c.tenant_id = page.tenant_id AND c.id = r.price_id"
    "  ORDER BY r.ordering) AS restriction)"
)
_DISCOUNT: LiteralString = (
    "id, name, code, json_build_object('type', type, 'percentage', percentage, 'amount_units', amount_units,"
    "  'currency', currency, 'is_recurring', is_recurring, 'cycles', cycles) AS terms,"
    " redemption_limit, redemptions, expires_at, is_enabled, metadata::text AS metadata, created_at, modified_at,"
    " promotion_id, country, coalesce((SELECT (m.security->>'strict_country_matching')::boolean FROM promotions AS m"
    "  WHERE m.tenant_id = page.tenant_id AND m.id = page.promotion_id), false) AS is_strict, "
    + _STATUS + " AS status, " + _RESTRICTIONS + " AS restrictions"
)  # fmt: skip


async def list_discounts(tx: Tx, terms: Sequence[str], status: DiscountStatus | None, page: Page) -> Listed[Discount]:
    """Return a page of the discounts in which every term occurs, newest first; of one status if it is named."""
    return await tx.decoded(
        Listed[Discount],
        listing(
            "SELECT id, seq FROM discounts WHERE tenant_id = %(tenant_id)s AND deleted_at IS NULL"
            " AND promotion_id IS NULL AND " + FOUND
            + " AND coalesce(%(status)s::text = " + _STATUS + ", true)",
            "SELECT * FROM discounts WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            _DISCOUNT,
        ),
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "terms": list(terms),
            "status": status,
            **page_parameters_of(page),
        },
    )  # fmt: skip


async def get_discount(tx: Tx, id: UUID) -> Discount:
    """Return a discount; raises NotFound, for a deleted one too."""
    found = await tx.find_decoded(
        Discount,
        "SELECT row_to_json(discount) FROM (SELECT " + _DISCOUNT + " FROM discounts AS page"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND deleted_at IS NULL) AS discount",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )
    if found is None:
        raise NotFound
    return found


async def find_known(tx: Tx, id: UUID) -> Discount | None:
    """Return a discount, a deleted one too, or None."""
    return await tx.find_decoded(
        Discount,
        "SELECT row_to_json(discount) FROM (SELECT " + _DISCOUNT + " FROM discounts AS page"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s) AS discount",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )


async def lock_discount(tx: Tx, id: UUID) -> Discount:
    """Return a discount that nobody else changes or redeems until this transaction ends; raises NotFound."""
    await tx.execute("SELECT FROM discounts WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE", (tx.tenant_id, id))
    return await get_discount(tx, id)


async def find_redeemable(tx: Tx, code: str) -> Discount | None:
    """Return the discount with this code, or None, as it is now."""
    return await tx.find_decoded(
        Discount,
        "SELECT row_to_json(discount) FROM (SELECT " + _DISCOUNT + " FROM discounts AS page"
        " WHERE tenant_id = %(tenant_id)s AND folded_code = %(code)s AND deleted_at IS NULL) AS discount",
        {"tenant_id": tx.tenant_id, "code": fold(code), "now": tx.now},
    )


async def lock_redeemable(tx: Tx, code: str) -> Discount | None:
    """Return the discount with this code, or None; nobody else changes or redeems it until this transaction ends."""
    id = await tx.value(
        "SELECT id FROM discounts WHERE tenant_id = %s AND folded_code = %s AND deleted_at IS NULL FOR NO KEY UPDATE",
        (tx.tenant_id, fold(code)),
    )
    return None if id is None else await get_discount(tx, id)


async def find_currency(tx: Tx, code: str) -> str | None:
    """Return the currency of the amount that a code takes off; None where it takes off a part, or is none."""
    return await tx.value(
        "SELECT currency FROM discounts WHERE tenant_id = %s AND folded_code = %s AND deleted_at IS NULL",
        (tx.tenant_id, fold(code)),
    )


async def lock_code(tx: Tx, code: str) -> UUID | None:
    """Return which discount has this code, or None; nobody else takes a code until this transaction ends."""
    await tx.alone_with("discount codes")
    return await tx.value(
        "SELECT id FROM discounts WHERE tenant_id = %s AND folded_code = %s AND deleted_at IS NULL",
        (tx.tenant_id, fold(code)),
    )


async def insert_discount(tx: Tx, new: NewDiscount) -> UUID:
    """Write a discount whose code is free, and return its id."""
    id = new_id(tx.now)
    await tx.execute(
        "INSERT INTO discounts (tenant_id, id, name, code, folded_code, folded, type, percentage, amount_units,"
        "  currency, is_recurring, cycles, redemption_limit, expires_at, is_enabled, metadata, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, %(name)s, %(code)s, %(folded_code)s, %(folded)s, %(type)s, %(percentage)s,"
        "  %(amount_units)s, %(currency)s, %(is_recurring)s, %(cycles)s, %(redemption_limit)s, %(expires_at)s,"
        "  %(is_enabled)s, %(metadata)s, %(now)s, %(now)s)",
        _columns(tx, id, new),
    )
    await _insert_restrictions(tx, id, new.restrictions)
    return id


async def update_discount(tx: Tx, id: UUID, edit: NewDiscount) -> None:
    """Write a locked discount's new values."""
    await tx.execute(
        "UPDATE discounts SET name = %(name)s, code = %(code)s, folded_code = %(folded_code)s, folded = %(folded)s,"
        "  type = %(type)s, percentage = %(percentage)s, amount_units = %(amount_units)s, currency = %(currency)s,"
        "  is_recurring = %(is_recurring)s, cycles = %(cycles)s, redemption_limit = %(redemption_limit)s,"
        "  expires_at = %(expires_at)s, is_enabled = %(is_enabled)s, metadata = %(metadata)s, modified_at = %(now)s"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        _columns(tx, id, edit),
    )
    await tx.execute("DELETE FROM discount_restrictions WHERE tenant_id = %s AND discount_id = %s", (tx.tenant_id, id))
    await _insert_restrictions(tx, id, edit.restrictions)


def _columns(tx: Tx, id: UUID, new: NewDiscount) -> dict[str, Any]:
    return {
        "tenant_id": tx.tenant_id,
        "id": id,
        "name": new.name,
        "code": new.code,
        "folded_code": fold(new.code),
        "folded": folded_fields(new.code, new.name),
        "type": new.terms.type,
        "percentage": new.terms.percentage,
        "amount_units": new.terms.amount_units,
        "currency": new.terms.currency,
        "is_recurring": new.terms.is_recurring,
        "cycles": new.terms.cycles,
        "redemption_limit": new.redemption_limit,
        "expires_at": new.expires_at,
        "is_enabled": new.is_enabled,
        "metadata": new.metadata,
        "now": tx.now,
    }


async def _insert_restrictions(tx: Tx, id: UUID, restrictions: Sequence[Restriction]) -> None:
    await tx.execute(
        "INSERT INTO discount_restrictions (tenant_id, discount_id, ordering, product_id, plan_id, price_id)"
        " SELECT %s, %s, ordering, product_id, plan_id, price_id"
        " FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) WITH ORDINALITY"
        "  AS restriction (product_id, plan_id, price_id, ordering)",
        (
            tx.tenant_id,
            id,
            [restriction.product_id for restriction in restrictions],
            [restriction.plan_id for restriction in restrictions],
            [restriction.price_id for restriction in restrictions],
        ),
    )


async def update_deleted(tx: Tx, id: UUID) -> None:
    """Take a locked discount out of every list; its code is free, and its redemptions stay."""
    await tx.execute(
        "UPDATE discounts SET deleted_at = %(now)s, modified_at = %(now)s"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )


async def has_discount(tx: Tx, id: UUID) -> bool:
    """Say whether there is or was such a discount."""
    return await tx.value("SELECT EXISTS (SELECT FROM discounts WHERE tenant_id = %s AND id = %s)", (tx.tenant_id, id))


async def list_redemptions(tx: Tx, id: UUID, page: Page) -> Listed[Redemption]:
    """Return a page of a discount's redemptions, newest first."""
    return await tx.decoded(
        Listed[Redemption],
        listing(
            "SELECT order_id AS id, seq FROM discount_redemptions"
            " WHERE tenant_id = %(tenant_id)s AND discount_id = %(id)s",
            "SELECT r.*, c.external_id AS customer FROM discount_redemptions AS r"
            " JOIN customers AS c ON c.tenant_id = r.tenant_id AND c.id = r.customer_id"
            " WHERE r.tenant_id = %(tenant_id)s AND discount_id = %(id)s"
            " AND order_id = ANY(ARRAY(SELECT id FROM chosen))",
            "order_id, customer, currency, amount_units, redeemed_at",
        ),
        {"tenant_id": tx.tenant_id, "id": id, **page_parameters_of(page)},
    )


async def lock_room(tx: Tx, id: UUID) -> bool:
    """Say whether a discount can be redeemed once more, a deleted one too; raises NotFound.

    Nobody else redeems it until this transaction ends.
    """
    has_room = await tx.value(
        "SELECT redemption_limit IS NULL OR redemptions < redemption_limit FROM discounts"
        " WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE",
        (tx.tenant_id, id),
    )
    if has_room is None:
        raise NotFound
    return has_room


async def has_redemption(tx: Tx, id: UUID, order_id: str) -> bool:
    """Say whether an order redeemed a discount."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM discount_redemptions WHERE tenant_id = %s AND discount_id = %s AND order_id = %s)",
        (tx.tenant_id, id, order_id),
    )


async def insert_redemption(
    tx: Tx, id: UUID, *, order_id: str, customer_id: UUID, currency: str, amount_units: int
) -> None:
    """Write that an order redeemed a locked discount, and count it."""
    await tx.execute(
        "WITH redeemed AS ("
        "  INSERT INTO discount_redemptions (tenant_id, discount_id, order_id, customer_id, currency, amount_units,"
        "    redeemed_at) VALUES (%(tenant_id)s, %(id)s, %(order_id)s, %(customer_id)s, %(currency)s,"
        "    %(amount_units)s, %(now)s)"
        ") UPDATE discounts SET redemptions = redemptions + 1 WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {
            "tenant_id": tx.tenant_id,
            "id": id,
            "order_id": order_id,
            "customer_id": customer_id,
            "currency": currency,
            "amount_units": amount_units,
            "now": tx.now,
        },
    )


async def lock_redeemed(tx: Tx, order_id: str) -> list[UUID]:
    """Return the discounts that an order redeemed; nobody else redeems or releases them until this transaction ends.

    Locked in one order, so that no two who release wait for each other.
    """
    return await tx.value(
        "SELECT coalesce(array_agg(id), '{}') FROM (SELECT id FROM discounts WHERE tenant_id = %(tenant_id)s"
        "  AND id IN (SELECT discount_id FROM discount_redemptions WHERE tenant_id = %(tenant_id)s"
        "   AND order_id = %(order_id)s) ORDER BY id FOR NO KEY UPDATE) AS locked",
        {"tenant_id": tx.tenant_id, "order_id": order_id},
    )


async def delete_redemptions(tx: Tx, ids: Sequence[UUID], order_id: str) -> None:
    """Delete that an order redeemed these locked discounts, and count them down."""
    await tx.execute(
        "WITH released AS ("
        "  DELETE FROM discount_redemptions WHERE tenant_id = %(tenant_id)s AND discount_id = ANY(%(ids)s)"
        "   AND order_id = %(order_id)s RETURNING discount_id"
        ") UPDATE discounts SET redemptions = redemptions - 1 FROM released"
        " WHERE tenant_id = %(tenant_id)s AND id = discount_id",
        {"tenant_id": tx.tenant_id, "ids": list(ids), "order_id": order_id},
    )


async def list_miscounted(tx: Tx) -> list[UUID]:
    """Return the discounts, deleted ones too, that count other than as many redemptions as they have."""
    return await tx.value(
        "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM discounts AS d WHERE tenant_id = %s AND redemptions <> ("
        "  SELECT count(*) FROM discount_redemptions AS r WHERE r.tenant_id = d.tenant_id AND r.discount_id = d.id)",
        (tx.tenant_id,),
    )
