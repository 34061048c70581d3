"""Documents for use without a network, and the keys that check them, as the wire spells them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from kelviq_server.licenses.schemas import LicenseKeyText
from kelviq_server.licenses.signing.records import SignedLicense, SigningKey
from kelviq_server.licenses.signing.steps import public_jwk
from kelviq_server.platform.values import Between, Id
from kelviq_server.platform.wire import Answer, Body, wire_instant

DEFAULT_DAYS = 30
MAX_DAYS = 366


class SignLicenseRequest(Body):
    """A machine that is to work without a network for a while."""

    license_key: LicenseKeyText
    instance_id: Id = Field(description="The `instanceId` that activation answered with.")
    days: Annotated[int, Between(1, MAX_DAYS)] = Field(
        DEFAULT_DAYS, description="How long the document holds, unless the licence ends before."
    )


class RotateSigningKeyRequest(Body):
    """When another key is to sign."""

    in_days: Annotated[int, Between(0, MAX_DAYS)] = Field(
        0, description="In how many days it does: so long you have to bring applications with the new public key out."
    )


class SignedLicenseResponse(Answer):
    """What an application may rely on without a network."""

    document: str = Field(description="A JSON Web Token, signed with Ed25519 (`EdDSA`).")
    key_id: UUID = Field(description="Which key it is signed with, as `kid` in the token.")
    expires_on: datetime


class LicenseSigningKey(Answer):
    """A public key, as RFC 8037 shows it."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str = Field(description="32 bytes in base64url.")


class LicenseSigningKeysResponse(Answer):
    """What documents are checked with: a JSON Web Key Set."""

    keys: list[LicenseSigningKey] = Field(description="The one that signs first, those that did, and those that will.")


def signed_answer(signed: SignedLicense) -> dict[str, Any]:
    """Return what an application may rely on without a network."""
    return {
        "document": signed.document,
        "keyId": str(signed.signing_key_id),
        "expiresOn": wire_instant(signed.expires_at),
    }


def signing_keys_answer(found: Sequence[SigningKey]) -> dict[str, Any]:
    """Return what documents are checked with."""
    return {"keys": [public_jwk(key) for key in found]}
