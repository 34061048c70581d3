"""All SQL about what a version holds besides its prices: entitlements and files."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from kelviq_server.catalog.plans.records import PlanEntitlement, PlanFile
from kelviq_server.platform.database import Tx


async def insert_entitlements(tx: Tx, version_id: UUID, entitlements: Sequence[PlanEntitlement]) -> None:
    """Write the entitlements of a draft, in their order."""
    rows = [
        {
            "feature_id": entitlement.feature_id,
            "ordering": ordering,
            "details": entitlement.details,
            "is_inherited": entitlement.is_inherited,
            "is_value_overridden": entitlement.is_value_overridden,
        }
        for ordering, entitlement in enumerate(entitlements)
    ]
    await tx.execute(
        "INSERT INTO plan_entitlements (tenant_id, version_id, feature_id, ordering, details, is_inherited,"
        "  is_value_overridden)"
        " SELECT %s, %s, feature_id, ordering, details, is_inherited, is_value_overridden"
        " FROM json_to_recordset(%s::json) AS e (feature_id uuid, ordering smallint, details json,"
        "  is_inherited boolean, is_value_overridden boolean)",
        (tx.tenant_id, version_id, msgspec.json.encode(rows).decode()),
    )


async def delete_entitlements(tx: Tx, version_id: UUID) -> None:
    """Take all entitlements from a draft."""
    await tx.execute(
        "DELETE FROM plan_entitlements WHERE tenant_id = %s AND version_id = %s", (tx.tenant_id, version_id)
    )


async def insert_files(tx: Tx, version_id: UUID, files: Sequence[PlanFile]) -> None:
    """Write files of a draft."""
    for file in files:
        await tx.execute(
            "INSERT INTO plan_files (tenant_id, version_id, id, name, file_name, ordering, enabled)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (tx.tenant_id, version_id, file.id, file.name, file.file_name, file.ordering, file.enabled),
        )


async def delete_file(tx: Tx, version_id: UUID, id: UUID) -> None:
    """Take a file from a draft."""
    await tx.execute(
        "DELETE FROM plan_files WHERE tenant_id = %s AND version_id = %s AND id = %s", (tx.tenant_id, version_id, id)
    )


async def find_downloadable(tx: Tx, identifier: str, id: UUID) -> int | None:
    """Return the tenant of a file that buyers of this plan may download, or None; not asked on behalf of any tenant.

    The newest version that was published with it decides; for a file that none has yet, the draft.
    """
    return await tx.value(
        "SELECT CASE WHEN enabled THEN tenant_id END FROM ("
        "  SELECT f.tenant_id, f.enabled FROM plan_files AS f JOIN plan_versions AS v"
        "   ON v.tenant_id = f.tenant_id AND v.id = f.version_id"
        "  JOIN plans AS p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id"
        "  WHERE f.id = %s AND p.identifier = %s ORDER BY v.state = 'draft', v.version DESC LIMIT 1) AS deciding",
        (id, identifier),
    )


async def list_unused_files(tx: Tx, ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the files that no version of any plan has."""
    return await tx.value(
        "SELECT coalesce(array_agg(id), '{}') FROM unnest(%s::uuid[]) AS given (id) WHERE NOT EXISTS ("
        " SELECT FROM plan_files AS f WHERE f.tenant_id = %s AND f.id = given.id)",
        (list(ids), tx.tenant_id),
    )
