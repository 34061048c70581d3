"""Licence keys as the wire spells them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.platform.values import MAX_SMALL_INT, Id
from kelviq_server.platform.wire import Answer, wire_instant


class LicenseAnswer(Answer):
    """A licence that came with a purchase."""

    id: Id
    license_key: str = Field(examples=["LIC-A8D5F89E-B46B-472C-9BED-66EE2545B85E"])
    activated_on: datetime | None = Field(description="When it was activated for the first time.")
    expires_on: datetime | None = Field(description="From when on it is not valid; null while no end is known.")
    activation_usage: int = Field(description="On how many machines it is active.")
    activation_limit: int = Field(description="On how many it may be; 2147483647 where there is no limit.")
    enabled: bool = Field(description="False once it is disabled, for good.")


def limit_of(license: LicenseKey) -> int:
    """Return on how many machines a licence may be active: the clients insist on a number."""
    return MAX_SMALL_INT if license.activation_limit is None else license.activation_limit


def license_answer(license: LicenseKey) -> dict[str, Any]:
    """Return a licence as the API answers with it."""
    return {
        "id": str(license.id),
        "licenseKey": license.key,
        "activatedOn": _instant(license.activated_at),
        "expiresOn": _instant(license.valid_until),
        "activationUsage": license.activation_usage,
        "activationLimit": limit_of(license),
        "enabled": license.enabled,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else wire_instant(at)
