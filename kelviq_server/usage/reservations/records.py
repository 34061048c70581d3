"""Reservations: what is kept free of a meter for a customer, until it is known how much they use."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ReservationStatus(StrEnum):
    """Whether something is still held, and if not, why."""

    HELD = "HELD"
    # Something else than what was held may be what was used; that is counted.
    SETTLED = "SETTLED"
    # Given back by the merchant.
    RELEASED = "RELEASED"
    # Given back because its time was over.
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class NewReservation:
    """What is to be held, and for how long."""

    # As the merchant calls them.
    customer: str
    feature: str
    amount: int
    seconds: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A reservation as it is kept, for ever."""

    id: UUID
    customer_id: UUID
    feature_id: UUID
    # As the merchant calls them.
    customer: str
    feature: str
    amount: int
    status: ReservationStatus
    # How much was used, once it is settled.
    value: int | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A reservation whose time is over, and whose it is."""

    id: UUID
    customer_id: UUID
    feature_id: UUID
