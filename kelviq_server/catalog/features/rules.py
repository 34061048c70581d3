"""What a feature may be."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from kelviq_server.catalog.features.errors import FeatureArchived
from kelviq_server.catalog.features.records import (
    Aggregation,
    Feature,
    FeatureType,
    FilterOperator,
    MeterSource,
    NewFeature,
)

# Where something is wrong, as the wire spells it, and what.
Fault = tuple[tuple[str | int, ...], str]
_REQUIRED = "This field is required."
_PLAIN = (str, bool, int, Decimal)
MAX_CHOICES = 100


def faults(new: NewFeature) -> Iterator[Fault]:
    """Yield what keeps this from being a feature."""
    setup = new.setup
    if new.feature_type is FeatureType.METER:
        if setup.source is None:
            yield ("featureDetails", "featureSubType"), _REQUIRED
        if not setup.has_units:
            yield ("featureDetails", "units"), _REQUIRED
    elif setup.source is not None:
        yield ("featureDetails", "featureSubType"), "Only METER features have one."
    if setup.source is MeterSource.RAW_EVENTS:
        if not setup.has_meter:
            yield ("meter",), _REQUIRED
    elif setup.has_meter:
        yield ("meter",), "Only METER features of RAW_EVENTS have one."
    for place, (operator, value) in enumerate(setup.filters):
        if reason := _no_value_for(operator, value):
            yield ("meter", "filters", place, "value"), reason
    if setup.aggregation not in (None, Aggregation.COUNT) and setup.aggregated_field is None:
        yield ("meter", "aggregation", "field"), _REQUIRED


def _no_value_for(operator: FilterOperator, value: object) -> str | None:
    """Return why a property cannot be compared so with this value, or None."""
    match operator:
        case FilterOperator.EXISTS:
            return None if value is None else "EXISTS is compared with nothing."
        case FilterOperator.IN | FilterOperator.NOT_IN:
            values = cast("list[object]", value) if isinstance(value, list) else []
            is_right = 0 < len(values) <= MAX_CHOICES and all(isinstance(one, _PLAIN) for one in values)
            return None if is_right else f"{operator.value} is compared with a list of 1 to {MAX_CHOICES} plain values."
        case FilterOperator.EQUALS | FilterOperator.NOT_EQUALS:
            return (
                None if isinstance(value, _PLAIN) else f"{operator.value} is compared with a text, number or boolean."
            )
        case FilterOperator.CONTAINS:
            return None if isinstance(value, str) and value else "CONTAINS is compared with a text."
        case _:
            is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return None if is_number else f"{operator.value} is compared with a number."


def edit(feature: Feature, sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the feature's editable columns with what was sent, or None when everything is so already.

    Raises FeatureArchived.
    """
    if feature.is_archived:
        raise FeatureArchived
    before = {"name": feature.name, "description": feature.description, "metadata": bytes(feature.metadata).decode()}
    after = {**before, **sent}
    return None if after == before else after
