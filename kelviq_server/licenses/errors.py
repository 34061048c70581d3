"""What stops a licence from being activated, deactivated or changed."""

from kelviq_server.core.errors import Refusal


class LicenseUnknown(Refusal):
    """Invalid license key or customer ID."""

    status = 404


class InstanceUnknown(Refusal):
    """Invalid license key or instance ID."""

    status = 404


class LicenseExpired(Refusal):
    """This license has expired."""

    status = 403


class LicenseDisabled(Refusal):
    """This license is disabled."""

    status = 403


class LimitReached(Refusal):
    """Activation limit reached."""

    status = 403


class LicenseDisabledForGood(Refusal):
    """This licence is disabled, which cannot be undone."""
