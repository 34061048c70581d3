"""Refunds: money of an order that goes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kelviq_server.payments.records import Attempt


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class RefundReason(StrEnum):
    """Why money goes back."""

    DUPLICATE = "DUPLICATE"
    DASHBOARD_INITIATED = "DASHBOARD_INITIATED"
    FRAUDULENT = "FRAUDULENT"
    REQUESTED_BY_CUSTOMER = "REQUESTED_BY_CUSTOMER"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class NewRefund:
    """What a refund is made from; without an amount, all that is left."""

    order_id: str
    amount_units: int | None = None
    # In the major unit; read where there are no units.
    amount: Decimal | None = None
    reason: RefundReason = RefundReason.REQUESTED_BY_CUSTOMER
    internal_note: str | None = None
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as it is kept. It is negative nowhere: so much goes back."""

    id: UUID
    order_id: str
    customer_id: UUID
    amount_units: int
    reason: RefundReason
    internal_note: str | None
    status: RefundStatus
    failure_reason: str | None
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A refund that was written, and the attempt to carry it out."""

    refund: Refund
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RefundFilter:
    """Which refunds are asked for."""

    terms: Sequence[str] = ()
    status: RefundStatus | None = None
    start_date: date | None = None
    end_date: date | None = None
