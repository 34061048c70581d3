"""All SQL about licence keys."""

from collections.abc import Collection, Mapping
from typing import Final, LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump

_TYPES: Final[Mapping[LiteralString, LiteralString]] = {
    "id": "uuid", "key": "text", "customer_id": "uuid", "lineage_id": "uuid", "subscription_id": "uuid",
    "version_id": "uuid", "activation_limit": "integer", "activation_usage": "integer", "duration_unit": "text",
    "duration_value": "integer", "began_at": "timestamptz", "expires_at": "timestamptz", "ends_at": "timestamptz",
    "is_limit_own": "boolean",
    "is_expiry_own": "boolean", "enabled": "boolean", "activated_at": "timestamptz", "created_at": "timestamptz",
    "modified_at": "timestamptz",
}  # fmt: skip
LICENSE: Final[LiteralString] = ", ".join(_TYPES)
_FOUND: LiteralString = "SELECT to_json(found) FROM (SELECT " + LICENSE + " FROM licenses WHERE tenant_id = %s"


async def lock_of_purchase(tx: Tx, lineage_id: UUID) -> LicenseKey | None:
    """Return the licence of a purchase, which nobody else changes until this transaction ends, or None."""
    return await tx.find_decoded(
        LicenseKey, _FOUND + " AND lineage_id = %s FOR NO KEY UPDATE) AS found", (tx.tenant_id, lineage_id)
    )


async def lock_license(tx: Tx, id: UUID) -> LicenseKey:
    """Return a licence that nobody else changes until this transaction ends; raises NotFound."""
    found = await tx.find_decoded(LicenseKey, _FOUND + " AND id = %s FOR NO KEY UPDATE) AS found", (tx.tenant_id, id))
    if found is None:
        raise NotFound
    return found


async def lock_by_key(tx: Tx, key: str) -> LicenseKey | None:
    """Return the licence with this key, which nobody else changes until this transaction ends, or None."""
    return await tx.find_decoded(LicenseKey, _FOUND + " AND key = %s FOR NO KEY UPDATE) AS found", (tx.tenant_id, key))


async def list_of_purchases(tx: Tx, lineages: Collection[UUID]) -> dict[UUID, list[LicenseKey]]:
    """Return the licences that came with purchases, by purchase."""
    found = await tx.decoded(
        list[LicenseKey],
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT " + LICENSE + " FROM licenses"
        " WHERE tenant_id = %s AND lineage_id = ANY(%s)) AS found",
        (tx.tenant_id, list(lineages)),
    )
    return {license.lineage_id: [license] for license in found}


async def insert_license(tx: Tx, license: LicenseKey) -> None:
    """Write a new licence."""
    await tx.execute(
        "INSERT INTO licenses (tenant_id, " + LICENSE + ") SELECT %s, " + LICENSE + " FROM json_to_record(%s::json)"
        " AS e (" + ", ".join([name + " " + kind for name, kind in _TYPES.items()]) + ")",
        (tx.tenant_id, _row(license)),
    )


async def update_license(tx: Tx, license: LicenseKey) -> LicenseKey:
    """Write a locked licence and return it; `modified_at` moves."""
    changing: LiteralString = ", ".join([name + " = e." + name for name in _TYPES if name not in _FIXED])
    return await tx.decoded(
        LicenseKey,
        "WITH written AS (UPDATE licenses AS l SET " + changing + ", modified_at = %s FROM json_to_record(%s::json)"
        " AS e (" + ", ".join([name + " " + kind for name, kind in _TYPES.items()]) + ")"
        " WHERE l.tenant_id = %s AND l.id = e.id RETURNING " + ", ".join(["l." + name for name in _TYPES]) + ")"
        " SELECT to_json(written) FROM written",
        (tx.now, _row(license), tx.tenant_id),
    )


_FIXED: Collection[str] = ("id", "customer_id", "lineage_id", "created_at", "modified_at")


def _row(license: LicenseKey) -> str:
    return dump({name: getattr(license, name) for name in _TYPES})
