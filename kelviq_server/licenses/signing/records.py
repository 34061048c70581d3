"""What applications check without a network, and what it is signed with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What licences are signed with for use without a network."""

    id: UUID
    # 32 bytes of Ed25519.
    public_key: bytes
    sealed_key: bytes
    created_at: datetime
    signs_at: datetime


@dataclass(frozen=True, slots=True)
class SignedLicense:
    """What an application may rely on without a network."""

    document: str
    signing_key_id: UUID
    expires_at: datetime
