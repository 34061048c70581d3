"""What a feature may be."""

from collections.abc import Iterator, Mapping
from typing import Any

from kelviq_server.catalog.features.errors import FeatureArchived
from kelviq_server.catalog.features.records import Aggregation, Feature, FeatureType, MeterSource, NewFeature

# Where something is wrong, as the wire spells it, and what.
Fault = tuple[tuple[str | int, ...], str]
_REQUIRED = "This field is required."


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
    if setup.aggregation not in (None, Aggregation.COUNT) and setup.aggregated_field is None:
        yield ("meter", "aggregation", "field"), _REQUIRED


def edit(feature: Feature, sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the feature's editable columns with what was sent, or None when everything is so already.

    Raises FeatureArchived.
    """
    if feature.is_archived:
        raise FeatureArchived
    before = {"name": feature.name, "description": feature.description, "metadata": bytes(feature.metadata).decode()}
    after = {**before, **sent}
    return None if after == before else after
