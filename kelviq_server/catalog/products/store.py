"""All SQL about products, their settings, images and files."""

from collections.abc import Collection, Sequence
from typing import Any, LiteralString
from uuid import UUID

from kelviq_server.catalog.products.records import FileKind, NewProduct, Product, ProductFile, ProductSettings
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.listing import CHOSEN, FOUND, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page

_FILE_COLUMNS: LiteralString = "id, kind, name, file_name, ordering, thumbnail, enabled"


def _columns(product: LiteralString) -> LiteralString:
    """Return what a product consists of, read from rows of this name."""
    return (
        "id, identifier, name, description, tax_code, created_by, archived_at IS NOT NULL AS is_archived, modified_at,"
        " (SELECT coalesce(json_agg(file), '[]') FROM ("
        "   SELECT " + _FILE_COLUMNS + " FROM product_files AS f"
        "   WHERE f.tenant_id = " + product + ".tenant_id AND f.product_id = " + product + ".id"
        "   ORDER BY f.ordering, f.id) AS file) AS files"
    )


async def list_products(tx: Tx, terms: Sequence[str], page: Page) -> Listed[Product]:
    """Return a page of the products in which every term occurs, newest first."""
    return await tx.decoded(
        Listed[Product],
        listing(
            "SELECT id, seq FROM products WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL AND " + FOUND,
            "SELECT * FROM products WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            _columns("page"),
        ),
        {"tenant_id": tx.tenant_id, "terms": list(terms), **page_parameters_of(page)},
    )


async def get_product(tx: Tx, id: UUID) -> Product:
    """Return a product, an archived one too; raises NotFound."""
    found = await tx.find_decoded(
        Product,
        "SELECT row_to_json(product) FROM (SELECT " + _columns("products") + " FROM products"
        " WHERE tenant_id = %s AND id = %s) AS product",
        (tx.tenant_id, id),
    )
    if found is None:
        raise NotFound
    return found


async def find_tenant_id(tx: Tx, id: UUID) -> int | None:
    """Return whose product it is, or None; on behalf of the instance."""
    return await tx.value("SELECT tenant_id FROM products WHERE id = %s AND archived_at IS NULL", (id,))


async def list_by_id(tx: Tx, ids: Collection[UUID]) -> dict[UUID, Product]:
    """Return the products that have these ids, archived ones too, by id."""
    found = await tx.decoded(
        list[Product],
        "SELECT coalesce(json_agg(product), '[]') FROM (SELECT " + _columns("products") + " FROM products"
        " WHERE tenant_id = %s AND id = ANY(%s)) AS product",
        (tx.tenant_id, list(ids)),
    )
    return {product.id: product for product in found}


async def lock_product(tx: Tx, id: UUID) -> Product:
    """Return a product that nobody else changes until this transaction ends; raises NotFound."""
    await tx.execute("SELECT FROM products WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE", (tx.tenant_id, id))
    return await get_product(tx, id)


async def find_currency(tx: Tx, id: UUID) -> str | None:
    """Return the default currency of a product that is not archived, or None."""
    return await tx.value(
        "SELECT currency FROM products WHERE tenant_id = %s AND id = %s AND archived_at IS NULL FOR SHARE",
        (tx.tenant_id, id),
    )


async def list_known(tx: Tx, ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of the ids that products have, archived ones too."""
    return frozenset(
        await tx.value(
            "SELECT coalesce(array_agg(id), '{}') FROM products WHERE tenant_id = %s AND id = ANY(%s)",
            (tx.tenant_id, list(ids)),
        )
    )


async def list_published_plans(tx: Tx, id: UUID) -> list[str]:
    """Return the identifiers of the product's plans that are for sale, newest first."""
    return await tx.value(
        "SELECT coalesce(array_agg(identifier ORDER BY seq DESC), '{}') FROM plans"
        " JOIN plan_versions USING (tenant_id) WHERE plan_versions.plan_id = plans.id AND state = 'published'"
        " AND tenant_id = %s AND product_id = %s AND archived_at IS NULL",
        (tx.tenant_id, id),
    )


async def lock_identifiers(tx: Tx, start: str) -> list[str]:
    """Return the taken identifiers that begin so; nobody else takes one until this transaction ends."""
    await tx.alone_with("product identifiers")
    return await tx.value(
        "SELECT coalesce(array_agg(identifier), '{}') FROM products"
        " WHERE tenant_id = %s AND starts_with(identifier, %s)",
        (tx.tenant_id, start),
    )


async def insert_product(tx: Tx, identifier: str, new: NewProduct) -> UUID | None:
    """Write a product and return its id, or None where the identifier was ever taken."""
    return await tx.value(
        "INSERT INTO products (tenant_id, id, identifier, name, description, tax_code, folded, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, %(identifier)s, %(name)s, %(description)s, %(tax_code)s, %(folded)s,"
        "  %(now)s, %(now)s)"
        " ON CONFLICT (tenant_id, identifier) DO NOTHING RETURNING id",
        {
            "tenant_id": tx.tenant_id,
            "id": new_id(tx.now),
            "identifier": identifier,
            "name": new.name,
            "description": new.description,
            "tax_code": new.tax_code,
            "folded": folded_fields(identifier, new.name, new.description),
            "now": tx.now,
        },
    )


async def update_product(tx: Tx, product: Product, values: dict[str, Any]) -> None:
    """Write a locked product's new name, description and tax code."""
    await tx.execute(
        "UPDATE products SET name = %(name)s, description = %(description)s, tax_code = %(tax_code)s,"
        " folded = %(folded)s, modified_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {
            **values,
            "tenant_id": tx.tenant_id,
            "id": product.id,
            "folded": folded_fields(product.identifier, values["name"], values["description"]),
            "now": tx.now,
        },
    )


async def update_modified(tx: Tx, id: UUID) -> None:
    """Note that something about a product changed now."""
    await tx.execute(
        "UPDATE products SET modified_at = %s WHERE tenant_id = %s AND id = %s", (tx.now, tx.tenant_id, id)
    )


async def update_archived(tx: Tx, id: UUID) -> None:
    """Take a locked product out of the list."""
    await tx.execute(
        "UPDATE products SET archived_at = %(now)s, modified_at = %(now)s WHERE tenant_id = %(tenant_id)s"
        " AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )


async def get_settings(tx: Tx, id: UUID) -> ProductSettings:
    """Return a product's settings; raises NotFound."""
    found = await tx.row(
        ProductSettings,
        "SELECT vpn, tor, proxy, currency, product_url FROM products WHERE tenant_id = %s AND id = %s",
        (tx.tenant_id, id),
    )
    if found is None:
        raise NotFound
    return found


async def update_settings(tx: Tx, id: UUID, values: dict[str, Any]) -> None:
    """Write a locked product's settings."""
    await tx.execute(
        "UPDATE products SET vpn = %(vpn)s, tor = %(tor)s, proxy = %(proxy)s, currency = %(currency)s,"
        " product_url = %(product_url)s, modified_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {**values, "tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )


async def update_prices_enabled(tx: Tx, id: UUID, currency: str) -> None:
    """Offer the prices in this currency again, in the versions of the product's plans that are for sale or edited."""
    await tx.execute(
        "UPDATE plan_prices SET enabled = true FROM plan_versions JOIN plans"
        "  ON plans.tenant_id = plan_versions.tenant_id AND plans.id = plan_versions.plan_id"
        " WHERE plan_prices.tenant_id = %s AND plan_versions.tenant_id = plan_prices.tenant_id"
        "  AND plan_versions.id = plan_prices.version_id AND plan_versions.state IN ('draft', 'published')"
        "  AND plans.product_id = %s AND plan_prices.currency = %s AND NOT enabled",
        (tx.tenant_id, id, currency),
    )


async def insert_files(tx: Tx, id: UUID, files: Sequence[ProductFile]) -> None:
    """Write images and files of a product."""
    for file in files:
        await tx.execute(
            "INSERT INTO product_files (tenant_id, id, product_id, kind, name, file_name, ordering, thumbnail, enabled)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (tx.tenant_id, file.id, id, file.kind, file.name, file.file_name, file.ordering, file.thumbnail,
             file.enabled),
        )  # fmt: skip


async def get_image(tx: Tx, product_id: UUID, id: UUID) -> ProductFile:
    """Return an image of a product; raises NotFound."""
    found = await tx.row(
        ProductFile,
        "SELECT " + _FILE_COLUMNS + " FROM product_files"
        " WHERE tenant_id = %s AND product_id = %s AND id = %s AND kind = %s",
        (tx.tenant_id, product_id, id, FileKind.IMAGE),
    )
    if found is None:
        raise NotFound
    return found


async def update_file(tx: Tx, product_id: UUID, id: UUID, values: dict[str, Any]) -> None:
    """Write what is shown of a file; where it is the thumbnail now, no other is."""
    await tx.execute(
        "UPDATE product_files SET thumbnail = (id = %(id)s AND %(thumbnail)s),"
        " name = CASE WHEN id = %(id)s THEN %(name)s ELSE name END,"
        " ordering = CASE WHEN id = %(id)s THEN %(ordering)s ELSE ordering END,"
        " enabled = CASE WHEN id = %(id)s THEN %(enabled)s ELSE enabled END"
        " WHERE tenant_id = %(tenant_id)s AND product_id = %(product_id)s"
        "  AND (id = %(id)s OR (thumbnail AND %(thumbnail)s))",
        {**values, "tenant_id": tx.tenant_id, "product_id": product_id, "id": id},
    )


async def delete_file(tx: Tx, id: UUID) -> None:
    """Delete a product's file."""
    await tx.execute("DELETE FROM product_files WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id))
