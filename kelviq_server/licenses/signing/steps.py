"""Documents that an application can check without a network: JSON Web Tokens signed with Ed25519.

RFC 7519 (the token), RFC 7515 (its compact form), RFC 8037 (EdDSA, and how the public key is shown).
"""

from base64 import b64decode, b64encode, urlsafe_b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kelviq_server.licenses.records import WholeLicense
from kelviq_server.licenses.signing import store
from kelviq_server.licenses.signing.records import SignedLicense, SigningKey
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.json_body import dump, parse
from kelviq_server.platform.vault import current_vault

_PURPOSE = "license signing key"


async def add_signing_key(tx: Tx, signs_at: datetime) -> SigningKey:
    """Write another signing key and return it; it signs from then on."""
    key = _new_signing_key(new_id(tx.now), tx.now, signs_at)
    await store.insert_signing_key(tx, key)
    return key


def _new_signing_key(id: UUID, now: datetime, signs_at: datetime) -> SigningKey:
    """Return a new pair of keys; the private one is sealed with the instance secret."""
    private = Ed25519PrivateKey.generate()
    sealed = current_vault().seal(b64encode(private.private_bytes_raw()).decode(), _purpose(id))
    return SigningKey(id, private.public_key().public_bytes_raw(), sealed, now, signs_at)


def public_jwk(key: SigningKey) -> dict[str, Any]:
    """Return the public key as RFC 8037 shows it."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "alg": "EdDSA",
        "kid": str(key.id),
        "x": _base64url(key.public_key),
    }


def signed(whole: WholeLicense, until: datetime, key: SigningKey) -> SignedLicense:
    """Return a token that says that a licence is active on an instance, until then."""
    assert whole.instance is not None
    license = whole.license
    header = {"alg": "EdDSA", "typ": "JWT", "kid": str(key.id)}
    claims: dict[str, Any] = {
        "sub": str(license.id),
        "iat": int(whole.now.timestamp()),
        "nbf": int(whole.now.timestamp()),
        "exp": int(until.timestamp()),
        "licenseKey": license.key,
        "instanceId": str(whole.instance.id),
        "customerId": whole.customer.external_id,
        "plan": whole.plan.identifier,
        "product": whole.plan.product.identifier,
        "metadata": parse(bytes(whole.instance.metadata)),
    }
    said = f"{_base64url(dump(header).encode())}.{_base64url(dump(claims).encode())}"
    private = Ed25519PrivateKey.from_private_bytes(_private(key))
    return SignedLicense(f"{said}.{_base64url(private.sign(said.encode()))}", key.id, until)


def _private(key: SigningKey) -> bytes:
    return b64decode(current_vault().open(key.sealed_key, _purpose(key.id)))


def _purpose(id: UUID) -> str:
    return f"{_PURPOSE} {id}"


def _base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
