"""All SQL about organizations, environments, keys and people. These rows stand above the tenants."""

from uuid import UUID

from kelviq_server.platform.database import Tx
from kelviq_server.tenants.records import (
    ApiKey,
    Environment,
    EnvironmentName,
    KeyKind,
    KeyOwner,
    Organization,
    Seller,
)


async def insert_organization(tx: Tx, identifier: UUID, name: str, slug: str) -> Organization:
    """Write an organization."""
    organization = await tx.row(
        Organization,
        "INSERT INTO organizations (identifier, name, slug, created_at) VALUES (%s, %s, %s, %s)"
        " RETURNING id, identifier, name, slug, created_at",
        (identifier, name, slug, tx.now),
    )
    assert organization is not None
    return organization


async def lock_slugs(tx: Tx) -> None:
    """Let nobody else take a slug until this transaction ends."""
    await tx.execute("LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE")


async def list_slugs(tx: Tx, start: str) -> list[str]:
    """Return the taken slugs that are this one or a numbered variant of it."""
    rows = await tx.value(
        "SELECT coalesce(array_agg(slug), '{}') FROM organizations WHERE slug = %s OR slug LIKE %s",
        (start, start.replace("_", r"\_") + "-%"),
    )
    return list(rows)


async def list_organizations(tx: Tx, after_id: int = 0, limit: int = 1000) -> list[Organization]:
    """Return organizations in the order in which they were founded."""
    return await tx.rows(
        Organization,
        "SELECT id, identifier, name, slug, created_at FROM organizations WHERE id > %s ORDER BY id LIMIT %s",
        (after_id, limit),
    )


async def has_organizations(tx: Tx) -> bool:
    """Say whether there is any organization yet."""
    return bool(await tx.value("SELECT EXISTS (SELECT FROM organizations)"))


async def insert_environment(tx: Tx, organization_id: int, name: EnvironmentName) -> int:
    """Write an environment, a sandbox with its clock, and return its id."""
    tenant_id = await tx.value(
        "INSERT INTO environments (organization_id, name, gateway) VALUES (%s, %s, %s) RETURNING id",
        # A sandbox is paid with the test cards of the gateway that is built in.
        (organization_id, name, "sandbox" if name is EnvironmentName.SANDBOX else None),
    )
    if name is EnvironmentName.SANDBOX:
        await tx.execute("INSERT INTO clocks (tenant_id) VALUES (%s)", (tenant_id,))
    return tenant_id


async def find_environment(tx: Tx, slug: str | None, name: EnvironmentName) -> Environment | None:
    """Return the environment of this name; without a slug, that of the first organization."""
    return await tx.row(
        Environment,
        "SELECT e.id, e.organization_id, o.identifier AS organization, o.slug, e.name FROM environments e"
        " JOIN organizations o ON o.id = e.organization_id"
        " WHERE e.name = %(name)s AND (%(slug)s::text IS NULL OR o.slug = %(slug)s) ORDER BY o.id LIMIT 1",
        {"slug": slug, "name": name},
    )


async def get_environment(tx: Tx, id: int) -> Environment:
    """Return an environment by its id, which must be there."""
    environment = await tx.row(
        Environment,
        "SELECT e.id, e.organization_id, o.identifier AS organization, o.slug, e.name FROM environments e"
        " JOIN organizations o ON o.id = e.organization_id WHERE e.id = %s",
        (id,),
    )
    assert environment is not None
    return environment


async def list_environments(tx: Tx) -> list[Environment]:
    """Return every environment, in the order in which they were founded."""
    return await tx.rows(
        Environment,
        "SELECT e.id, e.organization_id, o.identifier AS organization, o.slug, e.name FROM environments e"
        " JOIN organizations o ON o.id = e.organization_id ORDER BY e.id",
    )


async def insert_key(
    tx: Tx,
    id: UUID,
    tenant_id: int,
    kind: KeyKind,
    hash: bytes,
    shown: str,
    public: str | None,
    sealed: bytes | None,
) -> None:
    """Write a key: its hash, its first characters, and no more than the contract lets be read back."""
    await tx.execute(
        "INSERT INTO api_keys (id, tenant_id, kind, hash, shown, public_key, sealed_key, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (id, tenant_id, kind, hash, shown, public, sealed, tx.now),
    )


async def find_key_owner(tx: Tx, hash: bytes) -> KeyOwner | None:
    """Return whom a key speaks for, unless it is unknown or revoked."""
    return await tx.row(
        KeyOwner,
        "SELECT k.id AS key_id, k.kind, k.tenant_id, e.name AS environment, o.identifier AS organization"
        " FROM api_keys k JOIN environments e ON e.id = k.tenant_id"
        " JOIN organizations o ON o.id = e.organization_id WHERE k.hash = %s AND k.revoked_at IS NULL",
        (hash,),
    )


async def list_keys(tx: Tx, slug: str | None, limit: int = 1000) -> list[ApiKey]:
    """Return keys as they are shown, oldest first."""
    return await tx.rows(
        ApiKey,
        "SELECT k.id, k.tenant_id, o.slug AS organization_slug, e.name AS environment, k.kind, k.shown,"
        " k.created_at, k.revoked_at FROM api_keys k JOIN environments e ON e.id = k.tenant_id"
        " JOIN organizations o ON o.id = e.organization_id"
        " WHERE %(slug)s::text IS NULL OR o.slug = %(slug)s ORDER BY k.created_at, k.id LIMIT %(limit)s",
        {"slug": slug, "limit": limit},
    )


async def update_key_revoked(tx: Tx, id: UUID) -> bytes | None:
    """Revoke a key and return its hash; None where there is no such key in force."""
    return await tx.value(
        "UPDATE api_keys SET revoked_at = %s, sealed_key = NULL WHERE id = %s AND revoked_at IS NULL RETURNING hash",
        (tx.now, id),
    )


async def insert_user(tx: Tx, email: str) -> int | None:
    """Write a user and return the id; None where the e-mail is taken. Waits for another that takes it now."""
    return await tx.value(
        "INSERT INTO users (email, created_at) VALUES (lower(%s), %s) ON CONFLICT DO NOTHING RETURNING id",
        (email, tx.now),
    )


async def insert_owner(tx: Tx, organization_id: int, user_id: int) -> None:
    """Make a user the owner of an organization."""
    await tx.execute("INSERT INTO members VALUES (%s, %s, 'owner')", (organization_id, user_id))


async def insert_secret_proof(tx: Tx, proof: bytes) -> bytes:
    """Write the proof of the instance secret if there is none yet, and return the one that stands."""
    await tx.execute("INSERT INTO instance (secret_proof) VALUES (%s) ON CONFLICT DO NOTHING", (proof,))
    return await tx.value("SELECT secret_proof FROM instance")


async def has_gateway(tx: Tx) -> bool:
    """Say whether a payment gateway is configured for this tenant."""
    return await tx.value("SELECT gateway IS NOT NULL FROM environments WHERE id = %s", (tx.tenant_id,))


async def find_gateway(tx: Tx) -> str | None:
    """Return the name of the payment gateway that is configured for this tenant, or None."""
    return await tx.value("SELECT gateway FROM environments WHERE id = %s", (tx.tenant_id,))


async def get_seller(tx: Tx) -> Seller:
    """Return what the tenant says about itself; what it has not said is by default."""
    seller = await tx.row(
        Seller,
        "SELECT o.id AS organization_id, o.identifier, o.name, o.slug, e.name AS environment,"
        "  coalesce(s.legal_name, o.name) AS legal_name, s.email, s.billing_address::text AS billing_address, s.tax_id,"
        "  coalesce(s.time_zone, 'UTC') AS time_zone,"
        "  coalesce(s.lowers_price_for_businesses, false) AS lowers_price_for_businesses"
        " FROM environments e JOIN organizations o ON o.id = e.organization_id"
        " LEFT JOIN sellers s ON s.tenant_id = e.id WHERE e.id = %s",
        (tx.tenant_id,),
    )
    assert seller is not None
    return seller


async def lock_seller(tx: Tx) -> Seller:
    """Return what the tenant says about itself, which nobody else changes until this transaction ends."""
    await tx.alone_with("seller")
    return await get_seller(tx)


async def update_seller(tx: Tx, seller: Seller) -> None:
    """Write what the tenant says about itself. A legal name that is its organization's own follows that."""
    await tx.execute(
        "INSERT INTO sellers (tenant_id, legal_name, email, billing_address, tax_id, time_zone,"
        "  lowers_price_for_businesses)"
        " VALUES (%(tenant_id)s, nullif(%(legal_name)s::text, %(name)s), %(email)s, %(billing_address)s, %(tax_id)s,"
        "  %(time_zone)s, %(lowers_price)s)"
        " ON CONFLICT (tenant_id) DO UPDATE SET legal_name = excluded.legal_name, email = excluded.email,"
        "  billing_address = excluded.billing_address, tax_id = excluded.tax_id, time_zone = excluded.time_zone,"
        "  lowers_price_for_businesses = excluded.lowers_price_for_businesses",
        {
            "tenant_id": tx.tenant_id,
            "name": seller.name,
            "legal_name": seller.legal_name,
            "email": seller.email,
            "billing_address": seller.billing_address,
            "tax_id": seller.tax_id,
            "time_zone": seller.time_zone,
            "lowers_price": seller.lowers_price_for_businesses,
        },
    )
