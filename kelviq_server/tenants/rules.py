"""What keys look like, what is kept of them, and what a seller may change."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kelviq_server.tenants.records import EnvironmentName, KeyKind, NewKey, Seller

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


def edited(seller: Seller, sent: Mapping[str, Any]) -> Seller:
    """Return the seller with what was sent; without a legal name, it goes by its organization's."""
    after = replace(seller, **sent)
    return after if after.legal_name else replace(after, legal_name=seller.name)
