"""All SQL about plans: families, versions, entitlements, files."""

from collections.abc import Collection, Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from kelviq_server.catalog.plans.records import (
    PlanEntitlement,
    PlanFamily,
    PlanFields,
    PlanVersion,
    PromisedRollout,
    Rollout,
)
from kelviq_server.catalog.prices.store import PRICES_OF_VERSION
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.listing import Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page


def _versions(order: LiteralString) -> LiteralString:
    """Return how versions are read with what their family has, and what lists are ordered by."""
    return (
        "SELECT v.*, p.identifier, p.product_id, p.countries, p.archived_at IS NOT NULL AS is_archived,"
        " (SELECT identifier FROM plans AS b WHERE b.tenant_id = v.tenant_id AND b.id = v.base_plan_id) AS base_plan, "
        + order + " AS seq FROM plans AS p JOIN plan_versions AS v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id"
    )  # fmt: skip


_FILES: LiteralString = (
    " (SELECT coalesce(json_agg(file), '[]') FROM (SELECT id, name, file_name, ordering, enabled FROM plan_files AS f"
    "   WHERE f.tenant_id = page.tenant_id AND f.version_id = page.id ORDER BY f.ordering, f.id) AS file) AS files"
)
_COLUMNS: LiteralString = (
    "id, plan_id, identifier, product_id, version, state, name, description, metadata, details, is_visible, license,"
    " links, ordering, countries, base_plan, base_plan_id, is_archived, created_at, modified_at," + _FILES
)
_ENTITLEMENT: LiteralString = "feature_id, e.details, is_inherited, is_value_overridden"
_GRANTING: LiteralString = (
    "json_build_object('own', (SELECT coalesce(json_agg(own), '[]') FROM ("
    "   SELECT " + _ENTITLEMENT + " FROM plan_entitlements AS e"
    "   WHERE e.tenant_id = page.tenant_id AND e.version_id = page.id ORDER BY e.ordering) AS own),"
    " 'base', (SELECT coalesce(json_agg(base), '[]') FROM ("
    "   SELECT " + _ENTITLEMENT + " FROM plan_entitlements AS e JOIN plan_versions AS b"
    "     ON b.tenant_id = e.tenant_id AND b.id = e.version_id AND b.state = 'published'"
    "   WHERE page.state = 'draft' AND b.tenant_id = page.tenant_id AND b.plan_id = page.base_plan_id"
    "   ORDER BY e.ordering) AS base))"
)
_WHOLE: LiteralString = _COLUMNS + ", " + PRICES_OF_VERSION + " AS prices, " + _GRANTING + " AS granting"
# Plans that are listed, and whose product is.
_LISTED: LiteralString = (
    "SELECT p.id, p.seq FROM plans AS p"
    " JOIN products AS o ON o.tenant_id = p.tenant_id AND o.id = p.product_id AND o.archived_at IS NULL"
    " WHERE p.tenant_id = %(tenant_id)s AND p.archived_at IS NULL"
)
_NEWEST: LiteralString = (
    _versions("p.seq")
    + " WHERE p.tenant_id = %(tenant_id)s AND p.id = ANY(ARRAY(SELECT id FROM chosen)) AND v.version = ("
    "SELECT max(version) FROM plan_versions AS w WHERE w.tenant_id = p.tenant_id AND w.plan_id = p.id)"
)


# The versions of the plans of a product, %(product_id)s, that can be bought, as a JSON array; no more than a hundred.
FOR_SALE: LiteralString = (
    "SELECT coalesce(json_agg(entry), '[]') FROM (SELECT " + _WHOLE + " FROM ("
    + _versions("p.seq") + " WHERE p.tenant_id = %(tenant_id)s AND p.product_id = %(product_id)s"
    "  AND v.state = 'published' AND p.archived_at IS NULL AND NOT EXISTS (SELECT FROM products AS o"
    "   WHERE o.tenant_id = p.tenant_id AND o.id = p.product_id AND o.archived_at IS NOT NULL)"
    "  ORDER BY v.ordering NULLS LAST, p.seq LIMIT 100"
    " ) AS page ORDER BY ordering NULLS LAST, seq) AS entry"
)  # fmt: skip


async def list_plans(tx: Tx, page: Page, *, whole: bool) -> Listed[PlanVersion]:
    """Return a page of the plans, each in its newest version; with their prices and entitlements where wanted."""
    parameters = {"tenant_id": tx.tenant_id, **page_parameters_of(page)}
    statement = listing(_LISTED, _NEWEST, _WHOLE) if whole else listing(_LISTED, _NEWEST, _COLUMNS)
    return await tx.decoded(Listed[PlanVersion], statement, parameters)


async def list_versions(tx: Tx, identifier: str, page: Page) -> Listed[PlanVersion]:
    """Return a page of a plan's versions, the newest first."""
    return await tx.decoded(
        Listed[PlanVersion],
        listing(
            "SELECT v.id, v.version AS seq FROM plans AS p"
            " JOIN plan_versions AS v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id"
            " WHERE p.tenant_id = %(tenant_id)s AND p.identifier = %(identifier)s",
            _versions("v.version") + " WHERE v.tenant_id = %(tenant_id)s AND v.id = ANY(ARRAY(SELECT id FROM chosen))",
            _COLUMNS,
        ),
        {"tenant_id": tx.tenant_id, "identifier": identifier, **page_parameters_of(page)},
    )


async def get_version(tx: Tx, identifier: str, version: int | None = None) -> PlanVersion:
    """Return a version of a plan with prices and entitlements, the newest unless one is named; raises NotFound."""
    found = await tx.find_decoded(
        PlanVersion,
        "SELECT row_to_json(entry) FROM (SELECT "
        + _WHOLE
        + " FROM ("
        + _versions("v.version")
        + " WHERE p.tenant_id = %s"
        "  AND p.identifier = %s AND v.version = coalesce(%s::integer, v.version)"
        "  ORDER BY v.version DESC LIMIT 1) AS page) AS entry",
        (tx.tenant_id, identifier, version),
    )
    if found is None:
        raise NotFound
    return found


async def find_for_sale(tx: Tx, identifier: str) -> PlanVersion | None:
    """Return the version of a plan that can be bought, with prices and entitlements, or None."""
    return await tx.find_decoded(
        PlanVersion,
        "SELECT row_to_json(entry) FROM (SELECT " + _WHOLE + " FROM (" + _versions("v.version") + " WHERE p.tenant_id"
        " = %s AND p.identifier = %s AND v.state = 'published' AND p.archived_at IS NULL AND NOT EXISTS ("
        "  SELECT FROM products AS o WHERE o.tenant_id = p.tenant_id AND o.id = p.product_id"
        "  AND o.archived_at IS NOT NULL)) AS page) AS entry",
        (tx.tenant_id, identifier),
    )


async def list_for_sale(tx: Tx, product_id: UUID) -> list[PlanVersion]:
    """Return the versions of a product's plans that can be bought, with prices and entitlements, as they are ordered.

    No more than a hundred.
    """
    return await tx.decoded(list[PlanVersion], FOR_SALE, {"tenant_id": tx.tenant_id, "product_id": product_id})


async def list_by_id(tx: Tx, ids: Collection[UUID]) -> dict[UUID, PlanVersion]:
    """Return the versions of plans that have these ids, without prices and entitlements, by id."""
    found = await tx.decoded(
        list[PlanVersion],
        "SELECT coalesce(json_agg(entry), '[]') FROM (SELECT " + _COLUMNS + " FROM ("
        + _versions("v.version") + " WHERE v.tenant_id = %s AND v.id = ANY(%s)) AS page) AS entry",
        (tx.tenant_id, list(ids)),
    )  # fmt: skip
    return {version.id: version for version in found}


async def list_granting(tx: Tx, ids: Collection[UUID]) -> dict[UUID, PlanVersion]:
    """Return the versions of plans that have these ids, with prices and what they grant, by id."""
    found = await tx.decoded(
        list[PlanVersion],
        "SELECT coalesce(json_agg(entry), '[]') FROM (SELECT " + _WHOLE + " FROM ("
        + _versions("v.version") + " WHERE v.tenant_id = %s AND v.id = ANY(%s)) AS page) AS entry",
        (tx.tenant_id, list(ids)),
    )  # fmt: skip
    return {version.id: version for version in found}


async def list_rollouts(tx: Tx, plan_id: UUID) -> list[PromisedRollout]:
    """Return what publishing versions of a plan promised to those who bought an earlier one, the latest first."""
    return await tx.rows(
        PromisedRollout,
        "SELECT v.id AS version_id, v.version, update_features, update_pricing FROM plan_migrations AS m"
        " JOIN plan_versions AS v ON v.tenant_id = m.tenant_id AND v.id = m.to_version_id"
        " WHERE m.tenant_id = %s AND m.plan_id = %s ORDER BY v.version DESC LIMIT 1000",
        (tx.tenant_id, plan_id),
    )


async def lock_family(tx: Tx, identifier: str) -> PlanFamily:
    """Return a plan that nobody else edits or publishes until this transaction ends; raises NotFound."""
    id = await tx.value(
        "SELECT id FROM plans WHERE tenant_id = %s AND identifier = %s FOR NO KEY UPDATE", (tx.tenant_id, identifier)
    )
    if id is None:
        raise NotFound
    # What is being edited has the currency, and the life, that its product has at that moment.
    await tx.execute(
        "SELECT FROM products AS o JOIN plans AS p ON p.tenant_id = o.tenant_id AND p.product_id = o.id"
        " WHERE p.tenant_id = %s AND p.id = %s FOR SHARE OF o",
        (tx.tenant_id, id),
    )
    # A statement of its own, so that it sees what those did whom the locks made us wait for.
    found = await tx.row(
        PlanFamily,
        "SELECT p.id, p.identifier, p.product_id, o.currency, p.archived_at IS NOT NULL AS is_archived,"
        "  o.archived_at IS NOT NULL AS is_product_archived,"
        "  max(version) FILTER (WHERE state = 'published') AS published,"
        "  max(version) FILTER (WHERE state = 'draft') AS draft, max(version) AS last"
        " FROM plans AS p JOIN products AS o ON o.tenant_id = p.tenant_id AND o.id = p.product_id"
        "  JOIN plan_versions AS v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id"
        " WHERE p.tenant_id = %s AND p.id = %s GROUP BY p.id, p.tenant_id, o.tenant_id, o.id",
        (tx.tenant_id, id),
    )
    assert found is not None
    return found


async def lock_identifiers(tx: Tx, start: str) -> list[str]:
    """Return the taken identifiers that begin so; nobody else takes one until this transaction ends."""
    await tx.alone_with("plan identifiers")
    return await tx.value(
        "SELECT coalesce(array_agg(identifier), '{}') FROM plans WHERE tenant_id = %s AND starts_with(identifier, %s)",
        (tx.tenant_id, start),
    )


async def find_plan_id(tx: Tx, identifier: str) -> UUID | None:
    """Return the id of a plan, or None."""
    return await tx.value("SELECT id FROM plans WHERE tenant_id = %s AND identifier = %s", (tx.tenant_id, identifier))


async def insert_plan(tx: Tx, identifier: str, product_id: UUID) -> UUID | None:
    """Write a plan without versions and return its id, or None where the identifier is taken."""
    return await tx.value(
        "INSERT INTO plans (tenant_id, id, identifier, product_id, created_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, identifier) DO NOTHING RETURNING id",
        (tx.tenant_id, new_id(tx.now), identifier, product_id, tx.now),
    )


async def insert_draft(
    tx: Tx, plan_id: UUID, version: int, fields: PlanFields, base_plan_id: UUID | None = None
) -> UUID:
    """Write a version of a plan that is to be edited, and return its id."""
    return await tx.value(
        "INSERT INTO plan_versions (tenant_id, id, plan_id, version, state, name, description, metadata, is_visible,"
        "  license, links, ordering, base_plan_id, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, %(plan_id)s, %(version)s, 'draft', %(name)s, %(description)s, %(metadata)s,"
        "  %(is_visible)s, %(license)s, %(links)s, %(ordering)s,"
        "  %(base_plan_id)s, %(now)s, %(now)s)"
        " RETURNING id",
        {
            **_fields(fields),
            "tenant_id": tx.tenant_id,
            "id": new_id(tx.now),
            "plan_id": plan_id,
            "version": version,
            "base_plan_id": base_plan_id,
            "now": tx.now,
        },
    )


def _fields(fields: PlanFields) -> dict[str, Any]:
    return {
        "name": fields.name,
        "description": fields.description,
        "metadata": fields.metadata,
        "is_visible": fields.is_visible,
        "license": _json(fields.license),
        "links": _json(fields.links),
        "ordering": fields.ordering,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def update_fields(tx: Tx, version_id: UUID, fields: PlanFields) -> None:
    """Write what a draft says about itself."""
    await tx.execute(
        "UPDATE plan_versions SET name = %(name)s, description = %(description)s, metadata = %(metadata)s,"
        " is_visible = %(is_visible)s, license = %(license)s, links = %(links)s, ordering = %(ordering)s,"
        " modified_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {**_fields(fields), "tenant_id": tx.tenant_id, "id": version_id, "now": tx.now},
    )


async def update_modified(tx: Tx, version_id: UUID) -> None:
    """Note that something about a draft changed now."""
    await tx.execute(
        "UPDATE plan_versions SET modified_at = %s WHERE tenant_id = %s AND id = %s",
        (tx.now, tx.tenant_id, version_id),
    )


async def update_base(tx: Tx, version_id: UUID, base_plan_id: UUID | None) -> None:
    """Base a draft on another plan, or on none."""
    await tx.execute(
        "UPDATE plan_versions SET modified_at = %s, base_plan_id = %s WHERE tenant_id = %s AND id = %s",
        (tx.now, base_plan_id, tx.tenant_id, version_id),
    )


async def lock_bases(tx: Tx) -> None:
    """Let nobody else of this tenant base a plan on another, or delete a plan, until this transaction ends."""
    await tx.alone_with("plan bases")


async def list_granted(tx: Tx, plan_id: UUID) -> list[PlanEntitlement]:
    """Return what the version for sale of a plan grants."""
    return await tx.decoded(
        list[PlanEntitlement],
        "SELECT coalesce(json_agg(granted), '[]') FROM (SELECT " + _ENTITLEMENT + " FROM plan_entitlements AS e"
        "  JOIN plan_versions AS v ON v.tenant_id = e.tenant_id AND v.id = e.version_id AND state = 'published'"
        " WHERE v.tenant_id = %s AND v.plan_id = %s ORDER BY e.ordering) AS granted",
        (tx.tenant_id, plan_id),
    )


async def has_base_above(tx: Tx, plan_id: UUID, base_plan_id: UUID) -> bool:
    """Say whether the base plan is this one itself, or is based on it, near or far, by its newest version."""
    return await tx.value(
        "WITH RECURSIVE above (id) AS ("
        "  SELECT %(base_plan_id)s::uuid UNION SELECT v.base_plan_id FROM above JOIN plan_versions AS v"
        "   ON v.tenant_id = %(tenant_id)s AND v.plan_id = above.id"
        "   AND v.state <> 'superseded' AND v.base_plan_id IS NOT NULL"
        ") SELECT EXISTS (SELECT FROM above WHERE id = %(plan_id)s)",
        {"tenant_id": tx.tenant_id, "plan_id": plan_id, "base_plan_id": base_plan_id},
    )


async def has_children(tx: Tx, plan_id: UUID) -> bool:
    """Say whether any version of another plan is based on this one."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM plan_versions WHERE tenant_id = %s AND base_plan_id = %s)", (tx.tenant_id, plan_id)
    )


async def has_published(tx: Tx, identifier: str) -> bool:
    """Say whether a version of this plan is for sale."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM plans AS p JOIN plan_versions AS v"
        "  ON v.tenant_id = p.tenant_id AND v.plan_id = p.id AND state = 'published'"
        " WHERE p.tenant_id = %s AND identifier = %s)",
        (tx.tenant_id, identifier),
    )


async def list_published_currencies(tx: Tx, plan_id: UUID) -> frozenset[str]:
    """Return the currencies in which the version for sale has a price."""
    return frozenset(
        await tx.value(
            "SELECT coalesce(array_agg(currency), '{}') FROM plan_prices AS r JOIN plan_versions AS v"
            "  ON v.tenant_id = r.tenant_id AND v.id = r.version_id AND state = 'published'"
            " WHERE v.tenant_id = %s AND v.plan_id = %s",
            (tx.tenant_id, plan_id),
        )
    )


async def update_published(tx: Tx, plan_id: UUID, version_id: UUID) -> None:
    """Put a draft on sale instead of the version that was."""
    await tx.execute(
        "UPDATE plan_versions SET state = 'superseded' WHERE tenant_id = %s AND plan_id = %s AND state = 'published'",
        (tx.tenant_id, plan_id),
    )
    await tx.execute(
        "UPDATE plan_versions SET state = 'published', published_at = %(now)s, modified_at = %(now)s"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": version_id, "now": tx.now},
    )


async def insert_migration(tx: Tx, plan_id: UUID, version_id: UUID, rollout: Rollout) -> None:
    """Record what is to be done for those who bought an earlier version."""
    await tx.execute(
        "INSERT INTO plan_migrations (tenant_id, id, plan_id, to_version_id, update_features, update_pricing,"
        " created_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (tx.tenant_id, new_id(tx.now), plan_id, version_id, rollout.update_features, rollout.update_pricing, tx.now),
    )


async def delete_version(tx: Tx, version_id: UUID) -> None:
    """Delete a draft with all that stands below it."""
    await tx.execute("DELETE FROM plan_versions WHERE tenant_id = %s AND id = %s", (tx.tenant_id, version_id))


async def delete_plan(tx: Tx, plan_id: UUID) -> None:
    """Delete a plan that has no versions."""
    await tx.execute("DELETE FROM plans WHERE tenant_id = %s AND id = %s", (tx.tenant_id, plan_id))


async def update_archived(tx: Tx, plan_id: UUID, *, is_archived: bool) -> None:
    """Take a plan out of the list, or bring it back."""
    await tx.execute(
        "UPDATE plans SET archived_at = %s WHERE tenant_id = %s AND id = %s",
        (tx.now if is_archived else None, tx.tenant_id, plan_id),
    )


async def update_countries(tx: Tx, plan_id: UUID, countries: Sequence[str]) -> None:
    """Let a plan be sold in these countries alone; without any, everywhere."""
    await tx.execute(
        "UPDATE plans SET countries = %s WHERE tenant_id = %s AND id = %s", (list(countries), tx.tenant_id, plan_id)
    )
