"""Reservations as the wire spells them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from kelviq_server.platform.values import MAX_INT, Between, Id
from kelviq_server.platform.wire import Answer, Body, Identifier, Name, wire_instant
from kelviq_server.usage.reservations.records import NewReservation, Reservation, ReservationStatus

DEFAULT_SECONDS = 300
MAX_SECONDS = 7 * 86_400


class ReserveUsageRequest(Body):
    """So much of a meter to be kept free for a customer."""

    customer_id: Identifier = Field(description="Who will use it: your own id.", examples=["customer_001"])
    feature_id: Name = Field(description="The identifier of a METER feature.", examples=["api-calls"])
    amount: Annotated[int, Between(1, MAX_INT)] = Field(description="How much, in whole units.", examples=[500])
    expires_in: Annotated[int, Between(1, MAX_SECONDS)] = Field(
        DEFAULT_SECONDS, description="After so many seconds it is given back by itself; at the most seven days."
    )
    idempotency_key: Name | None = Field(
        None, description="Your key for this reservation: sent again, it is held once and answered alike, for ever."
    )

    def new(self) -> NewReservation:
        """Return what is to be held."""
        return NewReservation(self.customer_id, self.feature_id, self.amount, self.expires_in, self.idempotency_key)


class SettleReservationRequest(Body):
    """How much was used in the end."""

    value: Annotated[int, Between(0, MAX_INT)] = Field(
        description="In whole units: more or less than was held, or nothing.", examples=[420]
    )


class ReservationResponse(Answer):
    """A reservation."""

    id: Id
    customer_id: str = Field(description="Who uses it: your own id.")
    feature_id: str = Field(description="The feature's identifier.")
    amount: int = Field(description="How much is held, or was.")
    status: ReservationStatus = Field(
        description="HELD until it is SETTLED (what was used is counted), RELEASED (given back), or EXPIRED."
    )
    value: int | None = Field(description="How much was used; null unless it is settled.")
    created_on: datetime
    expires_on: datetime = Field(description="When it is given back by itself.")
    ended_on: datetime | None = Field(description="Since when nothing is held; null while it is.")


def reservation_answer(reservation: Reservation) -> dict[str, Any]:
    """Return a reservation as the API answers with it."""
    return {
        "id": str(reservation.id),
        "customerId": reservation.customer,
        "featureId": reservation.feature,
        "amount": reservation.amount,
        "status": reservation.status,
        "value": reservation.value,
        "createdOn": wire_instant(reservation.created_at),
        "expiresOn": wire_instant(reservation.expires_at),
        "endedOn": None if reservation.ended_at is None else wire_instant(reservation.ended_at),
    }
