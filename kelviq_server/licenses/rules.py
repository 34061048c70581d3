"""Whether a licence is valid, and whether it may be active on one more machine: pure."""

from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.licenses.errors import (
    LicenseDisabled,
    LicenseDisabledForGood,
    LicenseExpired,
    LicenseUnknown,
    LimitReached,
)
from kelviq_server.licenses.records import NewInstance, Validity, Verdict, WholeLicense


def verdict(whole: WholeLicense | None, *, is_of_instance: bool) -> Verdict:
    """Return what is to be said of a key, of an instance of it if one was named."""
    if whole is None:
        return Verdict(Validity.INVALID_KEY, None)
    license = whole.license
    if is_disabled(whole):
        validity = Validity.DISABLED
    elif is_over(whole):
        validity = Validity.EXPIRED
    elif is_of_instance and whole.instance is None:
        validity = Validity.INSTANCE_NOT_FOUND
    elif not license.activation_usage:
        validity = Validity.NOT_ACTIVATED
    else:
        validity = Validity.VALID
    return Verdict(validity, whole, is_of_instance)


def is_disabled(whole: WholeLicense) -> bool:
    """Say whether a licence may not be used at all: a customer who is archived has nothing any more."""
    return not whole.license.enabled or whole.customer.is_archived


def is_over(whole: WholeLicense) -> bool:
    """Say whether a licence is not valid any more.

    What goes on is renewed a while after its period ends, until when a licence that was to hold for that period does:
    whoever has paid each time is never told that it has expired.
    """
    expires_at, renews_at = whole.license.expires_at, whole.subscription.next_invoice_at
    if whole.license.has_ended_at(whole.now) or expires_at is None or expires_at > whole.now:
        return whole.license.has_ended_at(whole.now)
    return renews_at is None or not expires_at >= renews_at <= whole.now


def refuse_activation(whole: WholeLicense | None, new: NewInstance) -> WholeLicense:
    """Return a licence that may be activated as far as is known before it is counted.

    Raises LicenseUnknown, LicenseDisabled, LicenseExpired.
    """
    if whole is None or new.customer not in (None, whole.customer.external_id):
        raise LicenseUnknown
    if is_disabled(whole):
        raise LicenseDisabled
    if is_over(whole):
        raise LicenseExpired
    return whole


def refuse_more(license: LicenseKey) -> LicenseKey:
    """Return a locked licence that may be active on one more machine; raises LimitReached."""
    if license.activation_limit is not None and license.activation_usage >= license.activation_limit:
        raise LimitReached(f"Activation limit reached ({license.activation_usage}/{license.activation_limit}).")
    return license


def changeable(license: LicenseKey) -> LicenseKey:
    """Return a locked licence that is not disabled; raises LicenseDisabledForGood."""
    if not license.enabled:
        raise LicenseDisabledForGood
    return license
