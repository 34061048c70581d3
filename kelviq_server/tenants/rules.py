"""What keys look like, and what is kept of them."""

import hashlib

from kelviq_server.tenants.records import EnvironmentName, KeyKind, NewKey

_PREFIXES = {
    (KeyKind.SERVER, EnvironmentName.SANDBOX): "sk_sandbox_",
    (KeyKind.SERVER, EnvironmentName.PRODUCTION): "sk_live_",
    (KeyKind.CLIENT, EnvironmentName.SANDBOX): "ck_sandbox_",
    (KeyKind.CLIENT, EnvironmentName.PRODUCTION): "ck_live_",
}
SHOWN_CHARACTERS = 12


def key_of(kind: KeyKind, environment: EnvironmentName, random_text: str) -> NewKey:
    """Return the key that says what it is for and ends in this text."""
    return NewKey(kind, environment, _PREFIXES[kind, environment] + random_text)


def key_hash(plain: str) -> bytes:
    """Return what is stored instead of a key. No salt or stretching: the key is random itself."""
    return hashlib.sha256(plain.encode()).digest()
