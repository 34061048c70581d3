"""All SQL about what is granted, and what holds instead."""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

from kelviq_server.entitlements.records import Grant, NewOverride, Override, Standing
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.usage.allowances.records import Holder
from kelviq_server.usage.meters.records import Meter

_OVERRIDE: LiteralString = "feature_id, feature, feature_type, value, reason, expires_at, created_at, modified_at"
# What says how much is left, and when it begins again.
_ALLOWANCE: LiteralString = (
    "customer_id, feature_id, lineage_id, is_granted, ends_at, usage_limit, is_hard, every, anchor_at, time_zone,"
    " carry_percentage, carry_limit, is_overridden, override_limit, override_until, since, period_start, period_end,"
    " total, count, held, carried"
)


STANDINGS: Final[LiteralString] = (
    "WITH clock AS (SELECT coalesce((SELECT coalesce(frozen_at, %(now)s + ahead) FROM clocks"
    "  WHERE tenant_id = %(tenant_id)s), %(now)s) AS now)"
    " SELECT coalesce(json_object_agg(c.external_id, json_build_object('customer_id', c.id, 'now', clock.now,"
    "  'grants', (SELECT coalesce(json_agg(g ORDER BY g.granted_at, g.lineage_id), '[]') FROM (SELECT lineage_id,"
    "    subscription_id, version_id, ends_at, entries, granted_at FROM grants"
    "    WHERE tenant_id = %(tenant_id)s AND customer_id = c.id) AS g),"
    "  'allowances', (SELECT coalesce(json_agg(a), '[]') FROM (SELECT " + _ALLOWANCE + " FROM allowances"
    "    WHERE tenant_id = %(tenant_id)s AND customer_id = c.id AND (is_granted OR is_overridden)) AS a),"
    "  'overrides', (SELECT coalesce(json_agg(o ORDER BY o.created_at, o.feature_id), '[]') FROM (SELECT "
    + _OVERRIDE + " FROM overrides WHERE tenant_id = %(tenant_id)s AND customer_id = c.id) AS o))), '{}')"
    " FROM unnest(%(external_ids)s::text[]) AS w (external_id) JOIN customers AS c"
    "  ON c.tenant_id = %(tenant_id)s AND c.external_id = w.external_id AND c.archived_at IS NULL, clock"
)  # fmt: skip


async def list_standings(tx: Tx, external_ids: Sequence[str]) -> Mapping[str, Standing]:
    """Return all that decides what customers may do, at this instant by the tenant's clock, by the merchant's ids.

    One statement, so that it is of one instant. Who is archived, or not known, is left out.
    """
    return await tx.decoded(
        dict[str, Standing],
        STANDINGS,
        {"tenant_id": tx.tenant_id, "external_ids": list(external_ids), "now": tx.machine_now},
    )


async def insert_grant(tx: Tx, customer_id: UUID, grant: Grant) -> None:
    """Write what a subscription grants, in place of what it granted before."""
    await tx.execute(
        "INSERT INTO grants (tenant_id, customer_id, lineage_id, subscription_id, version_id, ends_at, entries,"
        "  granted_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, customer_id, lineage_id) DO UPDATE SET subscription_id = excluded.subscription_id,"
        "  version_id = excluded.version_id, ends_at = excluded.ends_at, entries = excluded.entries",
        (
            tx.tenant_id, customer_id, grant.lineage_id, grant.subscription_id, grant.version_id, grant.ends_at,
            dump(grant.entries), grant.granted_at,
        ),
    )  # fmt: skip


async def delete_grant(tx: Tx, holder: Holder) -> None:
    """Let a subscription grant nothing any more."""
    await tx.execute(
        "DELETE FROM grants WHERE tenant_id = %s AND customer_id = %s AND lineage_id = %s",
        (tx.tenant_id, holder.customer_id, holder.lineage_id),
    )


async def list_overrides(tx: Tx, customer_id: UUID) -> list[Override]:
    """Return what holds for a customer instead of what is granted to them, or held."""
    return await tx.decoded(
        list[Override],
        "SELECT coalesce(json_agg(o), '[]') FROM (SELECT " + _OVERRIDE + " FROM overrides"
        " WHERE tenant_id = %s AND customer_id = %s) AS o",
        (tx.tenant_id, customer_id),
    )


async def find_override(tx: Tx, customer_id: UUID, feature_id: UUID) -> Override | None:
    """Return what holds for a customer instead of what grants a feature to them, or held, or None."""
    return await tx.find_decoded(
        Override,
        "SELECT to_json(o) FROM (SELECT " + _OVERRIDE + " FROM overrides"
        " WHERE tenant_id = %s AND customer_id = %s AND feature_id = %s) AS o",
        (tx.tenant_id, customer_id, feature_id),
    )


async def insert_override(tx: Tx, customer_id: UUID, feature: Meter, new: NewOverride) -> Override:
    """Write what holds for a locked customer instead of what grants a feature, in place of what held; return it."""
    return await tx.decoded(
        Override,
        "INSERT INTO overrides (tenant_id, customer_id, feature_id, feature, feature_type, value, reason, expires_at,"
        "  created_at, modified_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (tenant_id, customer_id, feature_id) DO UPDATE SET value = excluded.value,"
        "  reason = excluded.reason, expires_at = excluded.expires_at, modified_at = excluded.modified_at"
        " RETURNING to_json(overrides)",
        (
            tx.tenant_id, customer_id, feature.id, feature.identifier, feature.feature_type,
            None if new.value is None else dump(new.value), new.reason, new.expires_at, tx.now, tx.now,
        ),
    )  # fmt: skip


async def delete_override(tx: Tx, customer_id: UUID, feature_id: UUID) -> None:
    """Let what is granted to a locked customer hold again."""
    await tx.execute(
        "DELETE FROM overrides WHERE tenant_id = %s AND customer_id = %s AND feature_id = %s",
        (tx.tenant_id, customer_id, feature_id),
    )
