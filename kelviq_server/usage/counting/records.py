"""What is kept of counting while it goes on: allowances as they come to be, days, values, and what was crossed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.usage.allowances.records import Allowance


@dataclass(frozen=True, slots=True)
class Share:
    """What was counted of a report: for which meter and subscription, in which day, and how much."""

    feature_id: UUID
    lineage_id: UUID
    starts_at: datetime
    value: Decimal
    # Its period was over: it does not count in the current one.
    is_late: bool = False


@dataclass(slots=True)
class Running:
    """A locked allowance that is being counted, with what was used in whole units and what is allowed."""

    allowance: Allowance
    aggregation: Aggregation
    used: int
    allowed: int | None
    # Whether more of it has changed than total and count.
    has_begun_anew: bool = False

    @property
    def left(self) -> int | None:
        """Return how much is left; None without a limit."""
        return None if self.allowed is None else self.allowed - self.used - self.allowance.held


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that usage has reached, and of which the merchant is told once in a period."""

    allowance: Allowance
    used: int
    allowed: int | None
    threshold: Decimal
