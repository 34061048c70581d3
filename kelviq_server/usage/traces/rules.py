"""Why meters did not count what was reported: pure."""

from collections.abc import Mapping
from typing import Any, cast

from kelviq_server.platform.json_body import parse
from kelviq_server.usage.meters.records import Meters
from kelviq_server.usage.meters.rules import named, why_not
from kelviq_server.usage.reports.records import Behaviour, UsageEvent


def not_counted(event: UsageEvent, known: Meters) -> dict[str, str]:
    """Return why not, by the identifiers of the meters: of a raw event all that count such, else the one it was for."""
    counted = {share.feature_id for share in event.counted}
    if event.feature_id is not None:
        return {} if counted else {known.by_id[event.feature_id].identifier: _nothing_changed(event)}
    properties = cast("Mapping[str, Any] | None", parse(bytes(event.properties)))
    said = named(event.event_name, properties or {})
    return {
        # No meter ever changes, so nothing else can have kept it from counting.
        meter.identifier: why_not(meter, said) or "The meter was created after the event was received."
        for meter in sorted(known.of_events, key=lambda each: each.identifier)
        if meter.id not in counted
    }


def _nothing_changed(event: UsageEvent) -> str:
    if event.behaviour is Behaviour.SET:
        return "As much as that was used already, or nothing was left of the limit."
    if not event.value:
        return "Nothing was reported to be used."
    return "Nothing was left of the limit." if event.value > 0 else "Nothing was used that could be given back."
