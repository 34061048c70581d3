"""What a meter makes of an event: pure, and the same when it is counted and when that is verified."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, cast

from kelviq_server.catalog.features.records import Aggregation, Feature, FeatureType, FilterOperator, MeterSource
from kelviq_server.core.money import EXACT, round_half_away
from kelviq_server.platform.json_body import canonical, dump, parse
from kelviq_server.usage.meters.records import Filter, Meter

EVENT_NAME = "event_name"
# What is added up has no more digits than this before and after its point: whatever comes of it is exact.
MAX_WHOLE_DIGITS, MAX_DECIMALS = 18, 12
# Of a value, where somebody is told about it.
MAX_SHOWN = 100
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """Return a name of a property as all its spellings have in common: the Node client writes them anew."""
    # What is remembered is short: nobody fills the memory with names.
    return _snake_case(name) if len(name) <= 64 else _HUMP.sub("_", name).lower()


@lru_cache(maxsize=10_000)
def _snake_case(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def meter_of(feature: Feature) -> Meter:
    """Return a feature as usage knows it."""
    details = cast("dict[str, Any]", parse(bytes(feature.feature_details)))
    setup = cast("dict[str, Any]", parse(bytes(feature.meter)))
    counts_events = details.get("featureSubType") == MeterSource.RAW_EVENTS
    aggregation: dict[str, Any] = setup.get("aggregation") or {}
    return Meter(
        id=feature.id,
        identifier=feature.identifier,
        name=feature.name,
        feature_type=feature.feature_type,
        counts_events=counts_events and feature.feature_type is FeatureType.METER,
        aggregation=Aggregation(aggregation["function"]) if counts_events else Aggregation.SUM,
        field=aggregation.get("field"),
        filters=[
            Filter(snake_case(each["field"]), FilterOperator(each["operator"]), each.get("value"))
            for each in setup.get("filters", ())
        ],
    )


def named(event_name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what filters look at: the properties under names that all spellings have in common, and the event's."""
    return {**{snake_case(name): value for name, value in properties.items()}, EVENT_NAME: event_name}


def counts(meter: Meter, event: Mapping[str, Any]) -> bool:
    """Say whether an event passes all filters of a meter; its properties are `named`."""
    return all(_passes(each, event) for each in meter.filters)


def why_not(meter: Meter, event: Mapping[str, Any]) -> str | None:
    """Return why a meter does not count an event, None where it does; the event's properties are `named`."""
    failed = next((each for each in meter.filters if not _passes(each, event)), None)
    if failed is not None:
        wanted = "" if failed.operator is FilterOperator.EXISTS else f" {_shown(failed.value)}"
        found = event.get(failed.field)
        has = "nothing" if found is None else _shown(found)
        return f"The filter `{failed.field} {failed.operator}{wanted}` is not passed: the event has {has} there."
    if measured(meter, event) is not None:
        return None
    field = snake_case(meter.field or "")
    value = event.get(field)
    if value is None:
        return f"The property `{field}`, of which the meter takes the {meter.aggregation}, is missing."
    if _number(value) is None:
        return (
            f"The property `{field}`, of which the meter takes the {meter.aggregation}, is no number: {_shown(value)}."
        )
    return f"The property `{field}` has more than {MAX_WHOLE_DIGITS} digits, or more than {MAX_DECIMALS} decimals."


def _shown(value: object) -> str:
    """Return a value as JSON, not too long."""
    text = dump(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _passes(filter: Filter, event: Mapping[str, Any]) -> bool:
    operator, wanted = filter.operator, filter.value
    if operator is FilterOperator.EXISTS:
        return event.get(filter.field) is not None
    found = event.get(filter.field)
    if operator in (FilterOperator.EQUALS, FilterOperator.NOT_EQUALS):
        return _is_same(found, wanted) is (operator is FilterOperator.EQUALS)
    if operator in (FilterOperator.IN, FilterOperator.NOT_IN):
        values = cast("Sequence[object]", wanted) if isinstance(wanted, list) else ()
        return any(_is_same(found, value) for value in values) is (operator is FilterOperator.IN)
    if operator is FilterOperator.CONTAINS:
        if isinstance(found, list):
            return any(_is_same(each, wanted) for each in cast("list[object]", found))
        return isinstance(found, str) and isinstance(wanted, str) and wanted in found
    left, right = _number(found), _number(wanted)
    if left is None or right is None:
        return False
    if operator is FilterOperator.GREATER_THAN:
        return left > right
    if operator is FilterOperator.GREATER_THAN_OR_EQUAL:
        return left >= right
    return left < right if operator is FilterOperator.LESS_THAN else left <= right


def _is_same(left: object, right: object) -> bool:
    return _text_of(left) == _text_of(right)


def _text_of(value: object) -> str:
    """Return what two values have in common that say the same: numbers however they are written, and true is not 1."""
    number = _number(value)
    # Nothing is nothing, whatever sign it has.
    return repr(canonical(value)) if number is None else str(number.normalize(_WIDE) if number else 0)


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def measured(meter: Meter, event: Mapping[str, Any]) -> Decimal | bytes | None:
    """Return what an event adds to a meter: a number, or the digest of a value for one that counts different values.

    None where the property is missing, or none of what the meter adds up.
    """
    if meter.aggregation is Aggregation.COUNT:
        return Decimal(1)
    value = event.get(snake_case(meter.field or ""))
    if meter.aggregation is Aggregation.UNIQUE:
        return None if value is None else hashlib.sha256(_text_of(value).encode()).digest()[:16]
    number = _number(value)
    if number is None or number.copy_abs() >= 10**MAX_WHOLE_DIGITS or number != number.quantize(_FINEST, context=_WIDE):
        return None
    return number


_FINEST = Decimal(1).scaleb(-MAX_DECIMALS)
_WIDE = EXACT.copy()
_WIDE.clear_traps()


def quantity_of(aggregation: Aggregation, total: Decimal, count: int) -> int:
    """Return what was used, in whole units, by what a meter has kept: a sum, a number, the highest, the latest."""
    if aggregation in (Aggregation.COUNT, Aggregation.UNIQUE):
        return count
    if aggregation is Aggregation.AVG:
        return round_half_away(Fraction(total) / count, 0) if count else 0
    whole = int(total)
    return whole if whole == total else round_half_away(total, 0)


# What a meter keeps: total, count, and when the latest was.
Kept = tuple[Decimal, int, datetime | None]


def joined(aggregation: Aggregation, kept: Kept, other: Kept) -> Kept:
    """Return what a meter keeps of what it kept in two places."""
    (total, count, latest_at), (other_total, other_count, other_at) = kept, other
    if not count or not other_count:
        return other if other_count else kept
    if aggregation is Aggregation.MAX:
        return max(total, other_total), count + other_count, latest_at
    if aggregation is Aggregation.LATEST:
        assert latest_at is not None
        assert other_at is not None
        later = max((latest_at, total), (other_at, other_total))
        return later[1], count + other_count, later[0]
    return EXACT.add(total, other_total), count + other_count, latest_at


def merged(aggregation: Aggregation, kept: Kept, value: Decimal, at: datetime) -> Kept:
    """Return what a meter keeps once it has counted a value."""
    total, count, latest_at = kept
    if aggregation is Aggregation.MAX:
        return max(total, value) if count else value, count + 1, latest_at
    if aggregation is Aggregation.LATEST:
        return (value, count + 1, at) if latest_at is None or at >= latest_at else (total, count + 1, latest_at)
    return EXACT.add(total, value), count + 1, latest_at
