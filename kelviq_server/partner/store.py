"""All SQL about partners. A partner is known by the key it calls with; its id stands in every statement."""

from typing import Any, LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.partner.records import Partner, PartnerOrganization, PartnerOrganizationPage
from kelviq_server.platform.database import Tx

_ORGANIZATION: LiteralString = (
    " p.user_id, o.identifier, o.slug, p.external_id,"
    " CASE WHEN c.revoked_at IS NULL THEN c.public_key END AS client_key, s.sealed_key AS sealed_server_key"
    " FROM partner_organizations p JOIN organizations o ON o.id = p.organization_id"
    " JOIN api_keys c ON c.id = p.client_key_id JOIN api_keys s ON s.id = p.server_key_id"
)


async def insert_partner(tx: Tx, name: str, key_hash: bytes, key_shown: str) -> int:
    """Write a partner and return its id."""
    return await tx.value(
        "INSERT INTO partners (name, key_hash, key_shown, created_at) VALUES (%s, %s, %s, %s) RETURNING id",
        (name, key_hash, key_shown, tx.now),
    )


async def list_partners(tx: Tx, limit: int = 1000) -> list[Partner]:
    """Return the partners, oldest first."""
    return await tx.rows(
        Partner, "SELECT id, name, key_shown, created_at, revoked_at FROM partners ORDER BY id LIMIT %s", (limit,)
    )


async def update_partner_revoked(tx: Tx, id: int) -> bytes | None:
    """Revoke a partner's key and return its hash; None where there is no such key in force."""
    return await tx.value(
        "UPDATE partners SET revoked_at = %s WHERE id = %s AND revoked_at IS NULL RETURNING key_hash", (tx.now, id)
    )


async def find_partner_id(tx: Tx, key_hash: bytes) -> int | None:
    """Return whose key this is, or None."""
    return await tx.value("SELECT id FROM partners WHERE key_hash = %s AND revoked_at IS NULL", (key_hash,))


async def lock_partner(tx: Tx, partner_id: int) -> None:
    """Let one partner provision one organization at a time, so that of two with one externalId, one is refused."""
    await tx.execute("SELECT FROM partners WHERE id = %s FOR UPDATE", (partner_id,))


async def has_organization(tx: Tx, partner_id: int, external_id: str) -> bool:
    """Say whether the partner has used this externalId."""
    return bool(
        await tx.value(
            "SELECT EXISTS (SELECT FROM partner_organizations WHERE partner_id = %s AND external_id = %s)",
            (partner_id, external_id),
        )
    )


async def insert_organization(
    tx: Tx,
    partner_id: int,
    external_id: str,
    organization_id: int,
    user_id: int,
    client_key_id: UUID,
    server_key_id: UUID,
) -> None:
    """Write that the partner provisioned this organization."""
    await tx.execute(
        "INSERT INTO partner_organizations"
        " (partner_id, external_id, organization_id, user_id, client_key_id, server_key_id)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (partner_id, external_id, organization_id, user_id, client_key_id, server_key_id),
    )


async def get_organization(
    tx: Tx, partner_id: int, *, identifier: UUID | None = None, external_id: str | None = None
) -> PartnerOrganization:
    """Return one of the partner's organizations by either name; raises NotFound."""
    found = await tx.row(
        PartnerOrganization,
        "SELECT" + _ORGANIZATION + " WHERE p.partner_id = %s AND (o.identifier = %s OR p.external_id = %s)",
        (partner_id, identifier, external_id),
    )
    if found is None:
        raise NotFound
    return found


async def list_organizations(
    tx: Tx, partner_id: int, external_id: str | None, offset: int | None, limit: int
) -> PartnerOrganizationPage:
    """Return a page of the partner's organizations, newest first; without an offset, the last page.

    One statement, so that the count and the page are of one moment.
    """
    rows: list[dict[str, Any]] = await tx.rows(
        dict,
        _PAGE,
        {"partner_id": partner_id, "external_id": external_id, "offset": offset, "limit": limit},
    )
    counts = [row.pop("count") for row in rows]
    return PartnerOrganizationPage(counts[0], [PartnerOrganization(**row) for row in rows if row.pop("id") is not None])


_OF_PARTNER: LiteralString = (
    " WHERE p.partner_id = %(partner_id)s AND (%(external_id)s::text IS NULL OR p.external_id = %(external_id)s)"
)
# An empty page still has one row, which has nothing but the count.
_PAGE: LiteralString = (
    "WITH total AS (SELECT count(*) FROM partner_organizations p" + _OF_PARTNER + "),"
    " page AS (SELECT o.id," + _ORGANIZATION + _OF_PARTNER + " ORDER BY o.id DESC"
    " OFFSET (SELECT coalesce(%(offset)s::bigint, greatest(count - 1, 0) / %(limit)s::bigint * %(limit)s::bigint)"
    " FROM total) LIMIT %(limit)s::bigint)"
    " SELECT total.count, page.* FROM total LEFT JOIN page ON true ORDER BY page.id DESC"
)
