"""All SQL about promotions and their codes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from kelviq_server.core.search import fold, folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.listing import CHOSEN, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.promotions.by_country.errors import PromotionUnknown
from kelviq_server.promotions.by_country.records import Code, Found, NewPromotion, Promotion
from kelviq_server.visitors.steps import KINDS

_RESTRICTIONS: LiteralString = (
    "(SELECT coalesce(json_agg(json_build_object('product_id', e.product_id, 'plan_id', e.plan_id,"
    "   'plan', p.identifier) ORDER BY e.place), '[]')"
    " FROM json_array_elements(page.restrictions) WITH ORDINALITY AS one (entry, place),"
    "  LATERAL (SELECT (entry->>'product_id')::uuid AS product_id, (entry->>'plan_id')::uuid AS plan_id, place) AS e"
    " LEFT JOIN plans AS p ON p.tenant_id = page.tenant_id AND p.id = e.plan_id)"
)
_PROMOTION: LiteralString = (
    "id, name, is_enabled, groups, countries, banner, security, created_at, modified_at, "
    + _RESTRICTIONS
    + " AS restrictions"
)
_CODE: LiteralString = "id AS discount_id, country, code, percentage"


async def list_promotions(tx: Tx, page: Page) -> Listed[Promotion]:
    """Return a page of the promotions, newest first."""
    return await tx.decoded(
        Listed[Promotion],
        listing(
            "SELECT id, seq FROM promotions WHERE tenant_id = %(tenant_id)s AND deleted_at IS NULL",
            "SELECT * FROM promotions WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            _PROMOTION,
        ),
        {"tenant_id": tx.tenant_id, **page_parameters_of(page)},
    )


async def get_promotion(tx: Tx, id: UUID) -> Promotion:
    """Return a promotion; raises PromotionUnknown, for a deleted one too."""
    found = await tx.find_decoded(
        Promotion,
        "SELECT to_json(promotion) FROM (SELECT " + _PROMOTION + " FROM promotions AS page"
        " WHERE tenant_id = %s AND id = %s AND deleted_at IS NULL) AS promotion",
        (tx.tenant_id, id),
    )
    if found is None:
        raise PromotionUnknown
    return found


async def lock_promotion(tx: Tx, id: UUID) -> Promotion:
    """Return a promotion that nobody else changes until this transaction ends; raises PromotionUnknown."""
    await tx.execute("SELECT FROM promotions WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE", (tx.tenant_id, id))
    return await get_promotion(tx, id)


async def find_for_visitor(tx: Tx, id: UUID, country: str | None, address: str | None) -> Found | None:
    """Return a promotion with what decides what a visitor gets, in one statement; None where there is none."""
    return await tx.find_decoded(
        Found,
        "SELECT json_build_object('promotion', (SELECT to_json(promotion) FROM (SELECT " + _PROMOTION + ")"
        "   AS promotion), 'networks', " + KINDS + ", 'code', ("
        "   SELECT to_json(one) FROM (SELECT " + _CODE + " FROM discounts AS d WHERE d.tenant_id = page.tenant_id"
        "    AND d.promotion_id = page.id AND d.country = %(country)s AND d.deleted_at IS NULL) AS one))"
        " FROM promotions AS page WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND deleted_at IS NULL",
        {"tenant_id": tx.tenant_id, "id": id, "country": country, "address": address},
    )


async def insert_promotion(tx: Tx, id: UUID, new: NewPromotion) -> None:
    """Write a promotion."""
    await tx.execute(
        "INSERT INTO promotions (tenant_id, id, name, is_enabled, groups, countries, restrictions, banner, security,"
        "  created_at, modified_at) VALUES (%(tenant_id)s, %(id)s, %(name)s, %(is_enabled)s, %(groups)s, %(countries)s,"
        "  %(restrictions)s, %(banner)s, %(security)s, %(now)s, %(now)s)",
        _columns(tx, id, new),
    )


async def update_promotion(tx: Tx, id: UUID, edit: NewPromotion) -> None:
    """Write a locked promotion's new values; its codes can be redeemed while it is enabled."""
    await tx.execute(
        "WITH codes AS (UPDATE discounts SET is_enabled = %(is_enabled)s WHERE tenant_id = %(tenant_id)s"
        "  AND promotion_id = %(id)s AND deleted_at IS NULL AND is_enabled <> %(is_enabled)s)"
        " UPDATE promotions SET name = %(name)s, is_enabled = %(is_enabled)s, groups = %(groups)s,"
        "  countries = %(countries)s, restrictions = %(restrictions)s, banner = %(banner)s, security = %(security)s,"
        "  modified_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        _columns(tx, id, edit),
    )


async def update_deleted(tx: Tx, id: UUID) -> None:
    """Take a locked promotion out of every list; nobody buys with its codes any more."""
    await tx.execute(
        "WITH codes AS (UPDATE discounts SET deleted_at = %(now)s WHERE tenant_id = %(tenant_id)s"
        "  AND promotion_id = %(id)s AND deleted_at IS NULL)"
        " UPDATE promotions SET deleted_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )


async def list_codes(tx: Tx, id: UUID) -> list[Code]:
    """Return the codes that a promotion gives, by country."""
    return await tx.decoded(
        list[Code],
        "SELECT coalesce(json_agg(one ORDER BY country), '[]') FROM (SELECT " + _CODE + " FROM discounts"
        " WHERE tenant_id = %s AND promotion_id = %s AND deleted_at IS NULL) AS one",
        (tx.tenant_id, id),
    )


async def delete_codes(tx: Tx, codes: Sequence[Code]) -> None:
    """Give codes to nobody any more, and let nobody buy with them; who did keeps the discount."""
    await tx.execute(
        "UPDATE discounts SET deleted_at = %s WHERE tenant_id = %s AND id = ANY(%s)",
        (tx.now, tx.tenant_id, [code.discount_id for code in codes]),
    )


async def insert_codes(
    tx: Tx, id: UUID, promotion: NewPromotion, rates: Mapping[str, Decimal], codes: Mapping[str, str]
) -> None:
    """Write a discount for each of these countries, under these codes: for as long as something is bought with it."""
    names = {country: f"{promotion.name} ({country})"[:255] for country in rates}
    await tx.execute(
        "INSERT INTO discounts (tenant_id, id, name, code, folded_code, folded, type, percentage, is_recurring,"
        "  is_enabled, metadata, created_at, modified_at, promotion_id, country)"
        " SELECT %(tenant_id)s, e.id, e.name, e.code, e.folded_code, e.folded, 'PERCENTAGE', e.percentage, true,"
        "  %(is_enabled)s, '{}', %(now)s, %(now)s, %(promotion_id)s, e.country"
        " FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(codes)s::text[], %(folded_codes)s::text[],"
        "  %(folded)s::text[], %(percentages)s::numeric[], %(countries)s::text[])"
        "  AS e (id, name, code, folded_code, folded, percentage, country)",
        {
            "tenant_id": tx.tenant_id,
            "promotion_id": id,
            "is_enabled": promotion.is_enabled,
            "now": tx.now,
            "ids": [new_id(tx.now) for _ in rates],
            "names": [names[country] for country in rates],
            "codes": [codes[country] for country in rates],
            "folded_codes": [fold(codes[country]) for country in rates],
            "folded": [folded_fields(codes[country], names[country]) for country in rates],
            "percentages": list(rates.values()),
            "countries": list(rates),
        },
    )


def _columns(tx: Tx, id: UUID, new: NewPromotion) -> dict[str, Any]:
    return {
        "tenant_id": tx.tenant_id,
        "id": id,
        "name": new.name,
        "is_enabled": new.is_enabled,
        "now": tx.now,
        **{name: dump(getattr(new, name)) for name in ("groups", "countries", "restrictions", "banner", "security")},
    }
