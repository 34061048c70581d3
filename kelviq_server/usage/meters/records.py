"""Meters: which reports they count, and what they make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation, FeatureType, FilterOperator


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events a meter counts: those whose property compares so with a value."""

    field: str
    operator: FilterOperator
    value: object


@dataclass(frozen=True, slots=True)
class Meter:
    """A feature as usage knows it; what is no METER counts nothing."""

    id: UUID
    identifier: str
    name: str
    feature_type: FeatureType
    # It counts raw events; else its usage comes added up.
    counts_events: bool
    aggregation: Aggregation
    field: str | None
    filters: Sequence[Filter]

    @property
    def counts_values(self) -> bool:
        """Say whether it counts how many different values there are."""
        return self.aggregation is Aggregation.UNIQUE


@dataclass(frozen=True, slots=True)
class Meters:
    """All features of an environment, and how many that are: none ever goes, and no meter ever changes."""

    number: int
    by_identifier: Mapping[str, Meter]
    by_id: Mapping[UUID, Meter]
    # Those that count raw events.
    of_events: Sequence[Meter]
