"""What a report comes to when it is counted anew: pure, and nothing else is needed than what was reported."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from kelviq_server.platform.json_body import parse
from kelviq_server.usage.meters.records import Meter
from kelviq_server.usage.meters.rules import counts, measured, named
from kelviq_server.usage.reports.records import UsageEvent
from kelviq_server.usage.verification.records import Miscounted

# A meter that came about while a report was being counted may have been seen, or not.
_MEANWHILE = timedelta(minutes=1)


def miscounted(event: UsageEvent, meters: Iterable[Meter], created: Mapping[UUID, datetime]) -> Miscounted | None:
    """Return what of a report is not counted as it comes to, or None; `created`: when each feature was."""
    if event.feature_id is None:
        return _of_raw(event, meters, created)
    counted = sum((share.value for share in event.counted), Decimal(0))
    if any(share.feature_id != event.feature_id for share in event.counted):
        return Miscounted(event.id, str(event.feature_id), str(sorted({str(s.feature_id) for s in event.counted})))
    value = event.value or 0
    # Less is counted where enforcement was asked for, or where nothing is left to give back. SET says what shall be.
    if event.behaviour == "SET" or min(0, value) <= counted <= max(0, value):
        return None
    return Miscounted(event.id, str(value), str(counted))


def _of_raw(event: UsageEvent, meters: Iterable[Meter], created: Mapping[UUID, datetime]) -> Miscounted | None:
    properties = cast("dict[str, Any]", parse(bytes(event.properties)) or {})
    said = named(event.event_name, properties)
    found = {share.feature_id: share.value for share in event.counted}
    expected: dict[UUID, Decimal] = {}
    for meter in meters:
        if not meter.counts_events or not counts(meter, said):
            continue
        value = measured(meter, said)
        if value is None or (meter.id not in found and created[meter.id] + _MEANWHILE >= event.received_at):
            continue
        # Whether a value was there before is seen in the days.
        expected[meter.id] = _zero_or_one(found.get(meter.id)) if isinstance(value, bytes) else value
    if expected == found and len(found) == len(event.counted):
        return None
    return Miscounted(event.id, _text(expected.items()), _text((s.feature_id, s.value) for s in event.counted))


def _zero_or_one(found: Decimal | None) -> Decimal:
    return found if found is not None and found in (0, 1) else Decimal(1)


def _text(values: Iterable[tuple[UUID, Decimal]]) -> str:
    return ", ".join(sorted(f"{feature} {value.normalize()}" for feature, value in values)) or "none"
