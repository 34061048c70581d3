"""How much of what was used is charged, and at which price."""

from dataclasses import dataclass
from uuid import UUID

from kelviq_server.core.period import Period


@dataclass(frozen=True, slots=True)
class UsageCharge:
    """So much usage of a feature within a period that is charged."""

    feature_id: UUID
    period: Period
    quantity: int
    price_id: UUID
