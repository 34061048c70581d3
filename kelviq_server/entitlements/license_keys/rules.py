"""What a licence is good for as its purchase begins, changes, goes on and ends: pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from kelviq_server.catalog.plans.records import DurationUnit
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.period import boundary
from kelviq_server.entitlements.license_keys.records import Licensed, LicenseKey


def issued(id: UUID, key: str, of: Licensed, now: datetime) -> LicenseKey:
    """Return the licence of a purchase that begins."""
    new = LicenseKey(
        id=id,
        key=key,
        customer_id=of.customer_id,
        lineage_id=of.lineage_id,
        subscription_id=of.subscription_id,
        version_id=of.version_id,
        activation_limit=None,
        activation_usage=0,
        duration_unit=None,
        duration_value=None,
        began_at=of.began_at,
        expires_at=None,
        ends_at=of.ends_at,
        is_limit_own=False,
        is_expiry_own=False,
        enabled=True,
        activated_at=None,
        created_at=now,
        modified_at=now,
    )
    return held(new, of)


def held(before: LicenseKey, of: Licensed) -> LicenseKey:
    """Return a licence as its purchase now is: limit and expiry are the plan's, unless they were set for this key.

    Another period makes even an expiry that was set later: it is paid for.
    """
    terms = of.terms
    after = replace(
        before,
        subscription_id=of.subscription_id,
        version_id=of.version_id,
        duration_unit=terms.duration_unit if terms.has_expiry else None,
        duration_value=terms.duration_value if terms.has_expiry else None,
        ends_at=of.ends_at,
    )
    if not before.is_limit_own:
        after = replace(after, activation_limit=terms.activation_limit if terms.activation_limit_enabled else None)
    if not before.is_expiry_own:
        after = replace(after, expires_at=expiry(after, of.began_at, of.anchor_at, of.time_zone))
    elif of.began_at > before.began_at:
        return renewed(after, of.began_at, of.anchor_at, of.time_zone)
    return replace(after, began_at=of.began_at)


def renewed(before: LicenseKey, began_at: datetime, anchor_at: datetime, time_zone: str) -> LicenseKey:
    """Return a licence once another period of its purchase has begun: later is the most that its expiry becomes."""
    after = replace(before, began_at=began_at)
    later = expiry(before, began_at, anchor_at, time_zone)
    if before.expires_at is None or later is None or later <= before.expires_at:
        return after
    return replace(after, expires_at=later)


def expiry(license: LicenseKey, began_at: datetime, anchor_at: datetime, time_zone: str) -> datetime | None:
    """Return when a licence expires whose period began then; None where it does not, or in no year that there is.

    Counted from the anchor where that many months lie between, as periods are: who pays on the 31st of January and has
    a month each time is never without a day at the end of March.
    """
    if license.duration_unit is None or license.duration_value is None:
        return None
    months = (
        license.duration_value
        * {DurationUnit.DAY: 0, DurationUnit.MONTH: 1, DurationUnit.YEAR: 12}[license.duration_unit]
    )
    zone = ZoneInfo(time_zone)
    try:
        if not months:
            return began_at + timedelta(days=license.duration_value)
        local, anchor = began_at.astimezone(zone), anchor_at.astimezone(zone)
        between = (local.year - anchor.year) * 12 + local.month - anchor.month
        if boundary(anchor_at, ChargePeriod.MONTHLY, between, zone) == began_at:
            return boundary(anchor_at, ChargePeriod.MONTHLY, between + months, zone)
        return boundary(began_at, ChargePeriod.MONTHLY, months, zone)
    except (OverflowError, ValueError):
        return None
