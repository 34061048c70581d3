"""What the local file store asks of an upload before it takes a byte: as S3 does, with S3's codes.

Source of codes and texts: "Error responses" of the Amazon S3 API reference.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from kelviq_server.platform.s3_signing import ALGORITHM, Credentials, signature

_SIGNED = ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
# What no policy need mention.
_FREE = {"policy", "x-amz-signature"}


class StorageRefused(Exception):
    """The file store does not do what was asked; code and status are those of S3."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Permission:
    """What an upload may be."""

    key: str
    min_bytes: int
    max_bytes: int


def permit(fields: Mapping[str, str], credentials: Credentials, bucket: str, now: datetime) -> Permission:
    """Return what the form's signed policy allows; raises StorageRefused. Field names are in lower case."""
    if "key" not in fields:
        raise StorageRefused(400, "InvalidArgument", "Bucket POST must contain a field named 'key'.")
    if any(name not in fields for name in _SIGNED):
        raise StorageRefused(403, "AccessDenied", "Access Denied.")
    _check_signature(fields, credentials)
    expires_at, conditions = _read(fields["policy"])
    if expires_at <= now:
        raise _against_policy("Policy expired.")
    min_bytes, max_bytes, named = 0, None, _FREE.copy()
    for condition in conditions:
        match condition:
            case ["content-length-range", int(least), int(most)]:
                min_bytes, max_bytes = least, most
            case ["eq", str(name), str(value)]:
                named.add(_eq(fields, name.removeprefix("$"), value, bucket))
            case _:
                raise StorageRefused(400, "InvalidPolicyDocument", "Invalid Policy: Invalid condition.")
    extra = [name for name in fields if name not in named and not name.startswith("x-ignore-")]
    if extra:
        raise _against_policy(f"Extra input fields: {', '.join(extra)}")
    if "key" not in named or max_bytes is None:
        # We sign no such policy; should we ever, nothing is to be written anywhere without a bound.
        raise StorageRefused(400, "InvalidPolicyDocument", "Invalid Policy: key and size must be limited.")
    return Permission(fields["key"], min_bytes, max_bytes)


def _check_signature(fields: Mapping[str, str], credentials: Credentials) -> None:
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise StorageRefused(400, "InvalidRequest", "X-Amz-Algorithm only supports AWS4-HMAC-SHA256.")
    signed_at = read_instant(fields["x-amz-date"])
    check_credential(fields["x-amz-credential"], credentials, signed_at)
    expected = signature(credentials, signed_at, fields["policy"])
    if not hmac.compare_digest(expected.encode(), fields["x-amz-signature"].encode()):
        raise StorageRefused(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )


def check_credential(named: str, credentials: Credentials, signed_at: datetime) -> None:
    """Refuse a signer who is not ours, or a signature for another day, region or service."""
    key_id, _, scope = named.partition("/")
    if key_id != credentials.access_key_id:
        raise StorageRefused(403, "InvalidAccessKeyId", "The access key ID you provided does not exist in our records.")
    if scope != credentials.scope(signed_at):
        raise StorageRefused(403, "AccessDenied", "The credential scope does not match.")


def read_instant(text: str) -> datetime:
    """Return an instant as S3 writes it; raises StorageRefused."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise StorageRefused(403, "AccessDenied", "X-Amz-Date must be formatted as yyyyMMddTHHmmssZ.") from None


def _read(policy: str) -> tuple[datetime, list[list[Any]]]:
    """Return until when a policy is good, and its conditions, all as lists."""
    try:
        read = json.loads(base64.b64decode(policy, validate=True))
        expires_at = datetime.strptime(read["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return expires_at, [condition for given in read["conditions"] for condition in _as_lists(given)]
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        raise StorageRefused(400, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.") from None


def _as_lists(condition: Any) -> list[list[Any]]:
    if isinstance(condition, dict):
        return [["eq", f"${name}", value] for name, value in cast("dict[str, Any]", condition).items()]
    return [cast("list[Any]", condition)]


def _eq(fields: Mapping[str, str], name: str, value: str, bucket: str) -> str:
    """Return the field that this condition names, which has this value; raises StorageRefused."""
    field = name.lower()
    # The bucket is a matter of the address, not of the form.
    sent = bucket if field == "bucket" else fields.get(field)
    if sent != value:
        raise _against_policy(f'Policy Condition failed: ["eq", "${name}", "{value}"]')
    return field


def _against_policy(what: str) -> StorageRefused:
    return StorageRefused(403, "AccessDenied", f"Invalid according to Policy: {what}")
