"""What came with a purchase, as pages show it: licence keys, files, links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.pages.amounts import shown_day


def deliverables(
    version: PlanVersion, licenses: Sequence[LicenseKey], now: datetime, api_url: str
) -> dict[str, Sequence[Any]]:
    """Return what came with a version of a plan: what may be downloaded now, and where its links lead."""
    files = [plans.plan_file_answer(file, version.identifier, api_url) for file in version.files if file.enabled]
    return {
        "licenses": [_license(license, now) for license in licenses],
        "files": [(file["name"], file["downloadUrl"]) for file in files],
        "links": [(link.name, link.url) for link in version.links],
    }


def _license(license: LicenseKey, now: datetime) -> dict[str, str]:
    limit = "any number of" if license.activation_limit is None else str(license.activation_limit)
    until = license.valid_until
    if not license.enabled:
        state = "Disabled"
    elif until is None:
        state = "Does not expire"
    else:
        state = f"{'Expired' if license.is_expired_at(now) else 'Expires'} on {shown_day(until)}"
    return {"key": license.key, "use": f"Active on {license.activation_usage} of {limit} devices", "state": state}
