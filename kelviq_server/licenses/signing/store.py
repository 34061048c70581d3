"""All SQL about what licences are signed with."""

from kelviq_server.licenses.signing.records import SigningKey
from kelviq_server.platform.database import Tx


async def list_signing_keys(tx: Tx) -> list[SigningKey]:
    """Return the tenant's signing keys: the one that signs, those that did before, and those that will."""
    return await tx.rows(
        SigningKey,
        "SELECT id, public_key, sealed_key, created_at, signs_at FROM license_signing_keys WHERE tenant_id = %s"
        " ORDER BY signs_at > %s, signs_at DESC, seq DESC LIMIT 100",
        (tx.tenant_id, tx.now),
    )


async def insert_signing_key(tx: Tx, key: SigningKey) -> None:
    """Write a new signing key, which signs from a time on."""
    await tx.execute(
        "INSERT INTO license_signing_keys (tenant_id, id, public_key, sealed_key, created_at, signs_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (tx.tenant_id, key.id, key.public_key, key.sealed_key, key.created_at, key.signs_at),
    )
