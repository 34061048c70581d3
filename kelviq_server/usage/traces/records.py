"""What became of reports, as merchants name things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kelviq_server.usage.counting.records import Share
from kelviq_server.usage.reports.records import UsageEvent


@dataclass(frozen=True, slots=True)
class TracedShare:
    """What was counted of a report."""

    # Its identifier.
    feature: str
    # None where nothing granted the meter.
    subscription_id: UUID | None
    share: Share


@dataclass(frozen=True, slots=True)
class Trace:
    """What became of a report."""

    event: UsageEvent
    # The merchant's id of the customer.
    customer: str
    # Of usage that came added up: the feature's identifier.
    feature: str | None
    counted: Sequence[TracedShare]
    # By the identifiers of the meters that did not count it: why not.
    not_counted: Mapping[str, str]
