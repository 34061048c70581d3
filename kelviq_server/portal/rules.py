"""How tokens are made and read: pure."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from kelviq_server.portal.records import Claim

PREFIX: Final = "cpt-"
# Tenant, customer, the second in which it ends, and the e-mail address.
_BYTES: Final = 4 + 16 + 8 + 8


def token_of(key: bytes, tenant_id: int, customer_id: UUID, email: str, expires_at: datetime) -> str:
    """Return what lets a customer in until then, as long as they have this e-mail address."""
    seconds = int(expires_at.timestamp())
    said = tenant_id.to_bytes(4, "big") + customer_id.bytes + seconds.to_bytes(8, "big") + _digest(email)
    return f"{PREFIX}{urlsafe_b64encode(said).decode()}:{_signature(key, said)}"


def read_token(key: bytes, token: str, now: datetime) -> Claim | None:
    """Return what a token says; None where we did not make it, or it holds no more."""
    text, _, signature = token.removeprefix(PREFIX).partition(":")
    if not token.startswith(PREFIX):
        return None
    try:
        said = urlsafe_b64decode(text)
    except (Error, ValueError):
        return None
    if not hmac.compare_digest(signature.encode(), _signature(key, said).encode()) or len(said) != _BYTES:
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(said[20:28], "big"), UTC)
    if expires_at <= now:
        return None
    return Claim(int.from_bytes(said[:4], "big"), UUID(bytes=said[4:20]), said[28:])


def is_of(claim: Claim, email: str | None) -> bool:
    """Say whether a token is of somebody with this e-mail address."""
    return email is not None and hmac.compare_digest(claim.email_digest, _digest(email))


def _digest(email: str) -> bytes:
    return hashlib.sha256(email.encode()).digest()[:8]


def _signature(key: bytes, said: bytes) -> str:
    return hmac.new(key, said, hashlib.sha256).hexdigest()
