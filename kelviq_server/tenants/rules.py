"""How keys are made."""

import hashlib
import secrets
import string

from kelviq_server.tenants.records import EnvironmentKeys, EnvironmentName, KeyKind, NewKey, OrganizationKeys

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_CHARACTERS = 40
_PREFIXES = {
    (KeyKind.SERVER, EnvironmentName.SANDBOX): "sk_sandbox_",
    (KeyKind.SERVER, EnvironmentName.PRODUCTION): "sk_live_",
    (KeyKind.CLIENT, EnvironmentName.SANDBOX): "ck_sandbox_",
    (KeyKind.CLIENT, EnvironmentName.PRODUCTION): "ck_live_",
}
SHOWN_CHARACTERS = 12


def random_text() -> str:
    """Return characters enough that nobody guesses them: 40 of 62, some 238 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))


def new_key(kind: KeyKind, environment: EnvironmentName) -> NewKey:
    """Return a new key."""
    return NewKey(kind, environment, _PREFIXES[kind, environment] + random_text())


def new_organization_keys() -> OrganizationKeys:
    """Return the four keys that an organization starts with."""

    def pair(environment: EnvironmentName) -> EnvironmentKeys:
        return EnvironmentKeys(new_key(KeyKind.SERVER, environment), new_key(KeyKind.CLIENT, environment))

    return OrganizationKeys(pair(EnvironmentName.SANDBOX), pair(EnvironmentName.PRODUCTION))


def key_hash(plain: str) -> bytes:
    """Return what is stored instead of a key. No salt or stretching: the key is random itself."""
    return hashlib.sha256(plain.encode()).digest()
