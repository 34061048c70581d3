"""How a subscription is cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from kelviq_server.core.invoice import Item
from kelviq_server.subscriptions.life.records import CancellationFeedback, CancellationReason


class CancellationType(StrEnum):
    """When a cancellation takes effect."""

    IMMEDIATE = "IMMEDIATE"
    CURRENT_PERIOD_ENDS = "CURRENT_PERIOD_ENDS"
    SPECIFIC_DATE = "SPECIFIC_DATE"


@dataclass(frozen=True, slots=True)
class Cancel:
    """A cancellation that is asked for."""

    id: UUID
    type: CancellationType
    # Of a SPECIFIC_DATE: the first day without it, in the seller's time zone.
    on: date | None
    feedback: CancellationFeedback | None = None
    comment: str | None = None
    reason: CancellationReason = CancellationReason.MERCHANT
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Voided:
    """What was owed and is not any more: what it was to credit, and the orders that are being paid just now."""

    credits: Sequence[Item]
    paying: Sequence[str]
