"""What may be reported, when, and what is counted of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.core.errors import Refusal
from kelviq_server.usage.counting.records import Share
from kelviq_server.usage.meters.records import Meter, Meters
from kelviq_server.usage.meters.rules import counts, measured, named
from kelviq_server.usage.reports.errors import CountsEvents, LessThanNothing, NoMeter, NoSuchFeature, NotYet, TooLongAgo
from kelviq_server.usage.reports.records import Accepted, Behaviour, Report, UsageEvent

# Clocks differ: what is reported to have happened a little later than now happened now.
AHEAD = timedelta(minutes=5)
LATEST = timedelta(days=90)


def instant_of(happened_at: datetime | None, now: datetime) -> datetime | Refusal:
    """Return when something was used that is reported now, or why that is not counted."""
    if happened_at is None or now < happened_at <= now + AHEAD:
        return now
    if happened_at > now:
        return NotYet()
    return TooLongAgo() if happened_at < now - LATEST else happened_at


def refusal_of(report: Report, meter: Meter | None) -> Refusal | None:
    """Return why usage that comes added up is not counted of a feature, or None."""
    if meter is None:
        return NoSuchFeature()
    if report.behaviour is Behaviour.SET and report.value < 0:
        return LessThanNothing()
    if meter.feature_type is not FeatureType.METER:
        return NoMeter()
    return CountsEvents() if meter.counts_events else None


def counted_by(report: Report, known: Meters) -> list[tuple[Meter, Decimal | bytes]]:
    """Return the meters that count a raw event, and what it adds to each."""
    event = named(report.event_name, report.properties)
    return [
        (meter, value)
        for meter in known.of_events
        if counts(meter, event) and (value := measured(meter, event)) is not None
    ]


def accepted(
    report: Report, id: UUID, at: datetime, shares: Sequence[Share], beyond: int, organization: int
) -> Accepted:
    """Return the outcome of a report of which this was counted."""
    is_sum = report.enforce is not None and report.behaviour is Behaviour.DELTA
    counted = int(sum(share.value for share in shares)) if is_sum else None
    return Accepted(id, at, organization, counted, beyond if report.enforce is not None else None)


def replayed(event: UsageEvent, organization: int) -> Accepted:
    """Return the outcome of a report that was counted before."""
    counted = int(sum(share.value for share in event.counted)) if event.behaviour is Behaviour.DELTA else None
    return Accepted(event.id, event.happened_at, organization, counted, event.beyond)
