"""Signature version 4 of S3, as far as browsers need it: forms that upload one object, addresses that download one.

Pure: everything follows from the arguments. Sources: "Authenticating Requests in Browser-Based Uploads Using
POST" and "Authenticating Requests: Using Query Parameters" of the Amazon S3 API reference.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs, and for which region."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str

    def scope(self, at: datetime) -> str:
        """Return what a signature of this day is good for."""
        return f"{at:%Y%m%d}/{self.region}/s3/aws4_request"

    def credential(self, at: datetime) -> str:
        """Return the field or parameter that names the signer."""
        return f"{self.access_key_id}/{self.scope(at)}"


def written(at: datetime) -> str:
    """Return an instant in UTC as S3 writes it."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def signed_form(
    credentials: Credentials,
    *,
    bucket: str,
    key: str,
    content_type: str,
    max_bytes: int,
    signed_at: datetime,
    valid: timedelta,
) -> dict[str, str]:
    """Return the fields of a form that uploads one object of this type and at most this size under this key."""
    signing = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": credentials.credential(signed_at),
        "x-amz-date": written(signed_at),
    }
    policy = {
        "expiration": f"{signed_at + valid:%Y-%m-%dT%H:%M:%SZ}",
        "conditions": [
            {"Content-Type": content_type},
            ["content-length-range", 0, max_bytes],
            {"bucket": bucket},
            {"key": key},
            *({name: value} for name, value in signing.items()),
        ],
    }
    encoded = base64.b64encode(json.dumps(policy).encode()).decode()
    return {
        "Content-Type": content_type,
        "key": key,
        **signing,
        "policy": encoded,
        "x-amz-signature": signature(credentials, signed_at, encoded),
    }


def signed_query(
    credentials: Credentials,
    *,
    host: str,
    path: str,
    response: Mapping[str, str],
    signed_at: datetime,
    valid: timedelta,
) -> str:
    """Return the query of an address that gets one object; `path` is decoded, `response` what the answer's headers say.

    `response` is by parameter, such as `response-content-type`.
    """
    parameters = {
        **response,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": credentials.credential(signed_at),
        "X-Amz-Date": written(signed_at),
        "X-Amz-Expires": str(valid // timedelta(seconds=1)),
        "X-Amz-SignedHeaders": "host",
    }
    signed = query_signature(credentials, host=host, path=path, parameters=parameters, signed_at=signed_at)
    return f"{_canonical(parameters)}&X-Amz-Signature={signed}"


def query_signature(
    credentials: Credentials, *, host: str, path: str, parameters: Mapping[str, str], signed_at: datetime
) -> str:
    """Return the signature of a GET with these parameters, which are all but the signature itself."""
    request = "\n".join(
        ("GET", quote_path(path), _canonical(parameters), f"host:{host}", "", "host", "UNSIGNED-PAYLOAD")
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join((ALGORITHM, written(signed_at), credentials.scope(signed_at), digest))
    return signature(credentials, signed_at, text)


def signature(credentials: Credentials, at: datetime, text: str) -> str:
    """Return the signature of a text under the signer's key of this day."""
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in credentials.scope(at).split("/"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def quote_path(path: str) -> str:
    """Return a path as it is signed, and as it stands in an address."""
    return quote(path, safe="/-_.~")


def _canonical(parameters: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
