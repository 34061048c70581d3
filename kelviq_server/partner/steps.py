"""Tells which partner a key belongs to, and which partners there are."""

from kelviq_server.partner import store
from kelviq_server.partner.records import Partner
from kelviq_server.platform.database import INSTANCE, Tx
from kelviq_server.platform.operations import Access, Caller
from kelviq_server.tenants.steps import key_hash


async def find_partner_caller(tx: Tx, plain_key: str) -> Caller | None:
    """Return who calls with this partner key, or None."""
    partner_id = await store.find_partner_id(tx, key_hash(plain_key))
    if partner_id is None:
        return None
    return Caller(INSTANCE, f"partner-{partner_id}", Access.PARTNER, partner_id)


async def list_partners(tx: Tx) -> list[Partner]:
    """Return the partners, oldest first."""
    return await store.list_partners(tx)
