"""How long a licence may be relied on without a network: pure."""

from datetime import datetime, timedelta

from kelviq_server.licenses.errors import InstanceUnknown, LicenseDisabled, LicenseExpired
from kelviq_server.licenses.records import WholeLicense
from kelviq_server.licenses.rules import is_disabled, is_over


def signed_until(whole: WholeLicense, days: int) -> datetime:
    """Return until when a document about an activated licence holds: so many days, but no longer than the licence.

    Raises InstanceUnknown, LicenseDisabled, LicenseExpired.
    """
    if is_disabled(whole):
        raise LicenseDisabled
    if is_over(whole):
        raise LicenseExpired
    if whole.instance is None:
        raise InstanceUnknown
    until, valid_until = whole.now + timedelta(days=days), whole.license.valid_until
    if valid_until is not None and valid_until <= whole.now:
        # It is about to be renewed.
        valid_until = whole.now + timedelta(days=1)
    return until if valid_until is None else min(until, valid_until)
