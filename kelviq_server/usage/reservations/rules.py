"""What may be held, of which allowances, and how a reservation ends: pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation, FeatureType
from kelviq_server.core.allowance import MAX_UNITS, Enforce, admitted, draw
from kelviq_server.usage.allowances.records import Allowance, drawing_order
from kelviq_server.usage.meters.records import Meter
from kelviq_server.usage.reports.errors import NoMeter, NoSuchFeature
from kelviq_server.usage.reports.records import Report
from kelviq_server.usage.reservations.errors import (
    KeyOfAnotherReservation,
    NotEnoughLeft,
    NothingToReserve,
    ReservationExpired,
    ReservationReleased,
    ReservationSettled,
    TooMuchHeld,
)
from kelviq_server.usage.reservations.records import NewReservation, Reservation, ReservationStatus


def reservable(meter: Meter | None) -> Meter:
    """Return a meter of which something can be held; raises NoSuchFeature, NoMeter, NothingToReserve."""
    if meter is None:
        raise NoSuchFeature
    if meter.feature_type is not FeatureType.METER:
        raise NoMeter
    if meter.counts_events:
        raise NothingToReserve
    return meter


def begun(new: NewReservation, id: UUID, customer_id: UUID, meter: Meter, now: datetime) -> Reservation:
    """Return a reservation as it begins."""
    return Reservation(
        id, customer_id, meter.id, new.customer, meter.identifier, new.amount, ReservationStatus.HELD, None, now,
        now + timedelta(seconds=new.seconds), None,
    )  # fmt: skip


def replayed(earlier: Reservation, new: NewReservation) -> Reservation:
    """Return what was answered when the same was asked for first; raises KeyOfAnotherReservation if it was not."""
    first = replace(earlier, status=ReservationStatus.HELD, value=None, ended_at=None)
    asked = (first.customer, first.feature, first.amount, first.expires_at - first.created_at)
    if asked != (new.customer, new.feature, new.amount, timedelta(seconds=new.seconds)):
        raise KeyOfAnotherReservation
    return first


def parts_of(
    allowances: Sequence[Allowance], aggregation: Aggregation, amount: int, now: datetime
) -> list[tuple[Allowance, int]]:
    """Return how much is to be held of which of a customer's locked allowances, as usage would be drawn from them.

    Raises NotEnoughLeft, TooMuchHeld.
    """
    for each in allowances:
        each.pass_time(aggregation, now)
    drawn = drawing_order(allowances, now)
    rooms = [each.counter(aggregation).left(each.terms_at(now)) for each in drawn]
    left = None if None in rooms else sum(room for room in rooms if room is not None)
    if admitted(amount, left, Enforce.REJECT) < amount:
        raise NotEnoughLeft
    # Of those that nothing grants any more, too: what is held may come together in one row.
    if amount + sum(each.held + each.used(aggregation) for each in allowances) > MAX_UNITS:
        raise TooMuchHeld
    return [(each, part) for each, part in zip(drawn, draw(amount, rooms), strict=True) if part]


def as_of(reservation: Reservation, now: datetime) -> Reservation:
    """Return a reservation as it stands at an instant, though nobody has noted yet that its time is over."""
    if reservation.status is not ReservationStatus.HELD or now < reservation.expires_at:
        return reservation
    return replace(reservation, status=ReservationStatus.EXPIRED, ended_at=reservation.expires_at)


def settled(reservation: Reservation, value: int, now: datetime) -> Reservation:
    """Return a reservation once so much was used; one that is settled so already as it is.

    Raises ReservationSettled, ReservationReleased, ReservationExpired.
    """
    reservation = as_of(reservation, now)
    if reservation.status is ReservationStatus.RELEASED:
        raise ReservationReleased
    if reservation.status is ReservationStatus.EXPIRED:
        raise ReservationExpired
    if reservation.status is ReservationStatus.SETTLED:
        if reservation.value != value:
            raise ReservationSettled
        return reservation
    return replace(reservation, status=ReservationStatus.SETTLED, value=value, ended_at=now)


def released(reservation: Reservation, now: datetime) -> Reservation:
    """Return a reservation once it is given back; one that was before, or has expired, as it is.

    Raises ReservationSettled.
    """
    reservation = as_of(reservation, now)
    if reservation.status is ReservationStatus.SETTLED:
        raise ReservationSettled
    if reservation.status is not ReservationStatus.HELD:
        return reservation
    return replace(reservation, status=ReservationStatus.RELEASED, ended_at=now)


def report_of(reservation: Reservation) -> Report:
    """Return the report of what was used of a settled reservation."""
    assert reservation.value is not None
    return Report(
        customer=reservation.customer,
        key=f"reservation:{reservation.id}",
        # As long as a digest, and nothing that anybody could send has it.
        digest=reservation.id.bytes,
        feature=reservation.feature,
        value=reservation.value,
    )
