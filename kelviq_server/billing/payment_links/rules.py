"""How the address of a page looks on which somebody pays an invoice: nobody can guess another one's."""

import hashlib
import hmac
import re

_TOKEN = re.compile(r"([0-9]{1,9})-(INV-[0-9]{14}-[A-Z0-9]{5})-([0-9a-f]{40})")


def token_of(key: bytes, tenant_id: int, invoice_id: str) -> str:
    """Return what stands for an invoice in an address, signed with the key."""
    return f"{tenant_id}-{invoice_id}-{_signature(key, tenant_id, invoice_id)}"


def read_token(key: bytes, token: str) -> tuple[int, str] | None:
    """Return whose invoice a token stands for, and its id; None where it is not one of ours."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    tenant_id, invoice_id = int(found[1]), found[2]
    is_ours = hmac.compare_digest(found[3], _signature(key, tenant_id, invoice_id))
    return (tenant_id, invoice_id) if is_ours else None


def _signature(key: bytes, tenant_id: int, invoice_id: str) -> str:
    return hmac.new(key, f"{tenant_id} {invoice_id}".encode(), hashlib.sha256).hexdigest()[:40]
