"""Features as the wire spells them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from kelviq_server.catalog.features.records import (
    Aggregation,
    Feature,
    FeatureType,
    FilterOperator,
    MeterSetup,
    MeterSource,
    NewFeature,
)
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Slug
from kelviq_server.platform.wire import Answer, Body, Description, FreeForm, Name, OpenBody, empty_is_none, wire_instant

_ABSENT: Any = None
MAX_FILTERS = 50


class Units(OpenBody):
    """What one and many of a meter's units are called."""

    singular: Name = Field(description="One of them.", examples=["call"])
    plural: Name = Field(description="Many of them.", examples=["calls"])


class FeatureDetails(OpenBody):
    """How a feature is set up. A METER says where its usage comes from and what its units are called."""

    feature_sub_type: MeterSource = Field(
        _ABSENT, description="Usage comes added up, or as raw events that the meter adds up. Required for METER."
    )
    units: Units = Field(_ABSENT, description="Required for METER.")


class MeterAggregation(OpenBody):
    """What a meter makes of the events that it counts."""

    function: Aggregation = Field(description="How events are added up.")
    field: Name | None = Field(None, description="The property that is added up. Required for all but COUNT.")


class MeterFilter(OpenBody):
    """Which events a meter counts: those whose property compares so with the value."""

    field: Name = Field(description="`eventName`, or a property of the event, in camelCase or snake_case.")
    operator: FilterOperator = Field(description="How the property is compared.")
    value: Any = Field(None, description="What it is compared with; a list for IN and NOT_IN, none for EXISTS.")


class Meter(OpenBody):
    """How a meter of raw events counts."""

    aggregation: MeterAggregation
    filters: list[MeterFilter] = Field(max_length=MAX_FILTERS, description="An event must pass all of them.")


class FeatureUpdateRequest(Body):
    """Fields of a feature to change; its identifier, type and meter are fixed."""

    name: Name = Field(_ABSENT, description="What people call the feature.", examples=["API Calls (renamed)"])
    description: Description = Field(_ABSENT, description="What it controls.", examples=["Updated description."])
    metadata: FreeForm = Field(_ABSENT, description="Key-value pairs of your own; replaced whole.")

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class FeatureCreateRequest(Body):
    """A feature to create."""

    name: Name = Field(description="What people call the feature.", examples=["API Calls"])
    identifier: Slug = Field(
        _ABSENT, description="What your code calls it; made from the name if missing.", examples=["api-calls"]
    )
    description: Description = Field("", description="What it controls.")
    feature_type: FeatureType = Field(
        description="BOOLEAN: on or off. CUSTOMIZABLE: a number that each plan sets. METER: a quantity bought or used."
    )
    feature_details: FeatureDetails = Field(FeatureDetails.model_validate({}), description="How the feature is set up.")
    meter: Annotated[
        Meter | None,
        # An empty object, which every answer for another feature shows, says nothing.
        BeforeValidator(empty_is_none),
        WithJsonSchema({"type": "object", "additionalProperties": True}),
    ] = Field(None, description="For RAW_EVENTS: `aggregation` (function, field) and `filters`.")
    metadata: FreeForm = Field("{}", description="Key-value pairs of your own.", examples=[{"category": "core"}])

    def new_feature(self) -> NewFeature:
        """Return what the feature is made from."""
        return NewFeature(
            name=self.name,
            feature_type=self.feature_type,
            identifier=self.identifier,
            description=self.description,
            feature_details=self.feature_details.text(),
            meter="{}" if self.meter is None else self.meter.text(),
            metadata=self.metadata,
            setup=MeterSetup(
                source=self.feature_details.feature_sub_type,
                has_units=bool(self.feature_details.units),
                has_meter=self.meter is not None,
                aggregation=self.meter.aggregation.function if self.meter else None,
                aggregated_field=self.meter.aggregation.field if self.meter else None,
                filters=tuple((each.operator, each.value) for each in self.meter.filters) if self.meter else (),
            ),
        )


class CatalogFeature(Answer):
    """A feature that plans can grant."""

    id: UUID = Field(description="The feature's UUID, which plans refer to.")
    identifier: str = Field(description="What your code calls it.")
    name: str = Field(description="What people call it.")
    description: str = Field(description="What it controls.")
    feature_type: FeatureType = Field(description="BOOLEAN: on or off. CUSTOMIZABLE: a number. METER: a quantity.")
    feature_details: dict[str, Any] = Field(description="How the feature is set up.")
    meter: dict[str, Any] = Field(description="How raw events are counted.")
    details: dict[str, Any] = Field(description="What the server knows about the feature besides.")
    metadata: dict[str, Any] = Field(description="The merchant's own key-value pairs.")
    is_archived: bool = Field(description="Whether it is out of the list; plans that grant it go on doing so.")
    modified_on: datetime = Field(description="When the feature last changed.")


class PaginatedFeatures(ListAnswer):
    """One page of the features, newest first."""

    results: list[CatalogFeature] = Field(description="The features of this page.")


def feature_answer(feature: Feature) -> dict[str, Any]:
    """Return a feature as the API answers with it."""
    return {
        "id": feature.id,
        "identifier": feature.identifier,
        "name": feature.name,
        "description": feature.description,
        "featureType": feature.feature_type,
        "featureDetails": feature.feature_details,
        "meter": feature.meter,
        "details": feature.details,
        "metadata": feature.metadata,
        "isArchived": feature.is_archived,
        "modifiedOn": wire_instant(feature.modified_at),
    }
