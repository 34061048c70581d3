"""The operations that let applications rely on a licence without a network."""

from starlette.responses import Response

from kelviq_server.licenses.errors import InstanceUnknown, LicenseDisabled, LicenseExpired
from kelviq_server.licenses.signing.actions.rotate_signing_key import rotate_signing_key
from kelviq_server.licenses.signing.actions.show_signing_keys import show_signing_keys
from kelviq_server.licenses.signing.actions.sign_license import sign_license
from kelviq_server.licenses.signing.schemas import (
    LicenseSigningKeysResponse,
    RotateSigningKeyRequest,
    SignedLicenseResponse,
    SignLicenseRequest,
    signed_answer,
    signing_keys_answer,
)
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations

operations = Operations("License", Access.SERVER)


@operations.add(
    "POST",
    "/licenses/document/",
    "signLicense",
    summary="Sign a licence for use without a network",
    body=SignLicenseRequest,
    answer=SignedLicenseResponse,
    refuses=[InstanceUnknown, LicenseDisabled, LicenseExpired],
    refusal_key="error",
)
async def sign(call: Call[SignLicenseRequest]) -> Response:
    """Returns a JSON Web Token (`EdDSA`) that an application checks with the public key that it came with.

    Its claims say the key, the machine, the customer, the plan and the product, and until when that holds (`exp`).
    """
    body = call.body
    return json_answer(signed_answer(await sign_license(call.tenant, body.license_key, body.instance_id, body.days)))


@operations.add(
    "GET",
    "/licenses/keys/",
    "listLicenseSigningKeys",
    summary="List the keys that signed licences are checked with",
    answer=LicenseSigningKeysResponse,
)
async def list_keys(call: Call[None]) -> Response:
    """Returns a JSON Web Key Set of public keys, to be built into your application; the first one signs."""
    return json_answer(signing_keys_answer(await show_signing_keys(call.tenant)))


@operations.add(
    "POST",
    "/licenses/keys/",
    "rotateLicenseSigningKey",
    summary="Sign licences with a new key",
    body=RotateSigningKeyRequest,
    is_body_required=False,
    answer=LicenseSigningKeysResponse,
)
async def rotate(call: Call[RotateSigningKeyRequest]) -> Response:
    """Makes a new key, which signs in so many days, or at once. What the others signed is still checked with them."""
    return json_answer(signing_keys_answer(await rotate_signing_key(call.tenant, call.body.in_days)))
