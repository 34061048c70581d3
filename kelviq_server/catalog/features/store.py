"""All SQL about features."""

from collections.abc import Collection, Sequence
from typing import Any, LiteralString
from uuid import UUID

from kelviq_server.catalog.features.records import Feature, NewFeature
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.listing import CHOSEN, FOUND, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page

COLUMNS: LiteralString = (
    "id, identifier, name, description, feature_type, feature_details, meter, details, metadata,"
    " archived_at IS NOT NULL AS is_archived, modified_at"
)
_ONE: LiteralString = (
    "SELECT row_to_json(feature) FROM (SELECT " + COLUMNS + " FROM features"
    " WHERE tenant_id = %s AND id = %s) AS feature"
)


async def list_features(tx: Tx, terms: Sequence[str], page: Page) -> Listed[Feature]:
    """Return a page of the features in which every term occurs, newest first."""
    return await tx.decoded(
        Listed[Feature],
        listing(
            "SELECT id, seq FROM features WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL AND " + FOUND,
            "SELECT * FROM features WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            COLUMNS,
        ),
        {"tenant_id": tx.tenant_id, "terms": list(terms), **page_parameters_of(page)},
    )


async def get_feature(tx: Tx, id: UUID) -> Feature:
    """Return a feature, an archived one too; raises NotFound."""
    feature = await tx.find_decoded(Feature, _ONE, (tx.tenant_id, id))
    if feature is None:
        raise NotFound
    return feature


async def lock_feature(tx: Tx, id: UUID) -> Feature:
    """Return a feature that nobody else changes until this transaction ends; raises NotFound."""
    await tx.execute("SELECT FROM features WHERE tenant_id = %s AND id = %s FOR UPDATE", (tx.tenant_id, id))
    return await get_feature(tx, id)


async def list_by_id(tx: Tx, ids: Collection[UUID]) -> dict[UUID, Feature]:
    """Return the features that have these ids, archived ones too, by id."""
    found = await tx.decoded(
        list[Feature],
        "SELECT coalesce(json_agg(feature), '[]') FROM (SELECT " + COLUMNS + " FROM features"
        " WHERE tenant_id = %s AND id = ANY(%s)) AS feature",
        (tx.tenant_id, list(ids)),
    )
    return {feature.id: feature for feature in found}


async def list_all(tx: Tx) -> list[Feature]:
    """Return all features of an environment, archived ones too; none ever goes."""
    return await tx.decoded(
        list[Feature],
        "SELECT coalesce(json_agg(feature), '[]') FROM (SELECT " + COLUMNS + " FROM features"
        " WHERE tenant_id = %s) AS feature",
        (tx.tenant_id,),
    )


async def lock_identifiers(tx: Tx, start: str) -> list[str]:
    """Return the taken identifiers that begin so; nobody else takes one until this transaction ends."""
    await tx.alone_with("feature identifiers")
    return await tx.value(
        "SELECT coalesce(array_agg(identifier), '{}') FROM features"
        " WHERE tenant_id = %s AND starts_with(identifier, %s)",
        (tx.tenant_id, start),
    )


async def insert_feature(tx: Tx, identifier: str, new: NewFeature) -> UUID | None:
    """Write a feature and return its id, or None where the identifier was ever taken."""
    return await tx.value(
        "INSERT INTO features (tenant_id, id, identifier, name, description, feature_type, feature_details, meter,"
        "  metadata, folded, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, %(identifier)s, %(name)s, %(description)s, %(feature_type)s,"
        "  %(feature_details)s, %(meter)s, %(metadata)s, %(folded)s, %(now)s, %(now)s)"
        " ON CONFLICT (tenant_id, identifier) DO NOTHING RETURNING id",
        {
            "tenant_id": tx.tenant_id,
            "id": new_id(tx.now),
            "identifier": identifier,
            "name": new.name,
            "description": new.description,
            "feature_type": new.feature_type,
            "feature_details": new.feature_details,
            "meter": new.meter,
            "metadata": new.metadata,
            "folded": folded_fields(identifier, new.name, new.description),
            "now": tx.now,
        },
    )


async def update_feature(tx: Tx, feature: Feature, values: dict[str, Any]) -> None:
    """Write a locked feature's new name, description and metadata."""
    await tx.execute(
        "UPDATE features SET name = %(name)s, description = %(description)s, metadata = %(metadata)s,"
        " folded = %(folded)s, modified_at = %(now)s WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {
            **values,
            "tenant_id": tx.tenant_id,
            "id": feature.id,
            "folded": folded_fields(feature.identifier, values["name"], values["description"]),
            "now": tx.now,
        },
    )


async def update_archived(tx: Tx, id: UUID) -> None:
    """Take a locked feature out of the list."""
    await tx.execute(
        "UPDATE features SET archived_at = %(now)s, modified_at = %(now)s WHERE tenant_id = %(tenant_id)s"
        " AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": id, "now": tx.now},
    )
