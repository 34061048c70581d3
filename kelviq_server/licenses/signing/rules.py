"""How long a licence may be relied on without a network: pure."""

from datetime import datetime, timedelta

from kelviq_server.licenses.errors import InstanceUnknown, LicenseDisabled, LicenseExpired
from kelviq_server.licenses.records import WholeLicense
from kelviq_server.licenses.rules import is_disabled


def signed_until(whole: WholeLicense, days: int) -> datetime:
    """Return until when a document about an activated licence holds: so many days, but no longer than the licence.

    Raises InstanceUnknown, LicenseDisabled, LicenseExpired.
    """
    if is_disabled(whole):
        raise LicenseDisabled
    if whole.license.is_expired_at(whole.now):
        raise LicenseExpired
    if whole.instance is None:
        raise InstanceUnknown
    until = whole.now + timedelta(days=days)
    valid_until = whole.license.valid_until
    return until if valid_until is None else min(until, valid_until)
