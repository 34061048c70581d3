"""Features: what a product can enable, limit or measure for a customer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Raw


class FeatureType(StrEnum):
    """What a feature grants."""

    # On or off.
    BOOLEAN = "BOOLEAN"
    # A number that each plan sets.
    CUSTOMIZABLE = "CUSTOMIZABLE"
    # A quantity that is bought or used up.
    METER = "METER"


class MeterSource(StrEnum):
    """How a meter comes to know what was used: `featureSubType` on the wire."""

    PRE_AGGREGATED_USAGE = "PRE_AGGREGATED_USAGE"
    RAW_EVENTS = "RAW_EVENTS"


class Aggregation(StrEnum):
    """What a meter makes of many events."""

    COUNT = "COUNT"
    SUM = "SUM"
    UNIQUE = "UNIQUE"
    MAX = "MAX"
    LATEST = "LATEST"
    AVG = "AVG"


class FilterOperator(StrEnum):
    """How a filter compares a property of an event with its value."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"
    CONTAINS = "CONTAINS"
    IN = "IN"
    NOT_IN = "NOT_IN"
    EXISTS = "EXISTS"


@dataclass(frozen=True, slots=True)
class MeterSetup:
    """What a new feature says about metering."""

    source: MeterSource | None = None
    has_units: bool = False
    has_meter: bool = False
    aggregation: Aggregation | None = None
    aggregated_field: str | None = None
    # How each filter compares, and with what.
    filters: tuple[tuple[FilterOperator, object], ...] = ()


@dataclass(frozen=True, slots=True)
class NewFeature:
    """What a feature is made from. Free-form values are JSON texts; without an identifier the name makes one."""

    name: str
    feature_type: FeatureType
    identifier: str | None = None
    description: str = ""
    feature_details: str = "{}"
    meter: str = "{}"
    metadata: str = "{}"
    setup: MeterSetup = MeterSetup()


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as it is kept; its identifier and type never change."""

    id: UUID
    identifier: str
    name: str
    description: str
    feature_type: FeatureType
    feature_details: Raw
    meter: Raw
    details: Raw
    metadata: Raw
    is_archived: bool
    modified_at: datetime
