"""The operations on reservations."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations
from kelviq_server.usage.counting.errors import TooMuch
from kelviq_server.usage.reports.errors import KeyOfAnother, NoMeter, NoSuchCustomer, NoSuchFeature
from kelviq_server.usage.reservations.actions.release_reservation import release_reservation
from kelviq_server.usage.reservations.actions.reserve_usage import reserve_usage
from kelviq_server.usage.reservations.actions.settle_reservation import settle_reservation
from kelviq_server.usage.reservations.actions.show_reservation import show_reservation
from kelviq_server.usage.reservations.errors import (
    KeyOfAnotherReservation,
    NotEnoughLeft,
    NothingToReserve,
    ReservationExpired,
    ReservationReleased,
    ReservationSettled,
    TooMuchHeld,
)
from kelviq_server.usage.reservations.schemas import (
    ReservationResponse,
    ReserveUsageRequest,
    SettleReservationRequest,
    reservation_answer,
)

operations = Operations("Reservations", Access.SERVER)


@operations.add(
    "POST",
    "/usage/reservations/",
    "reserveUsage",
    summary="Reserve usage",
    body=ReserveUsageRequest,
    status=201,
    answer=ReservationResponse,
    refuses=(
        NoSuchCustomer, NoSuchFeature, NoMeter, NothingToReserve, NotEnoughLeft, TooMuchHeld, KeyOfAnotherReservation,
    ),
)  # fmt: skip
async def reserve(call: Call[ReserveUsageRequest]) -> Response:
    """Holds an amount of a METER before it is used, until you settle or release it, or it expires.

    It is refused where less is left, however many ask at once. What is held is in `currentUsage` of entitlements, and
    counts as used for whoever reserves or reports with `enforce`; it is never charged, what it is settled with is.
    """
    return json_answer(reservation_answer(await reserve_usage(call.tenant, call.body.new())), 201)


@operations.add(
    "GET",
    "/usage/reservations/{pk}/",
    "retrieveReservation",
    summary="Retrieve a reservation",
    answer=ReservationResponse,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a reservation as it now stands."""
    return json_answer(reservation_answer(await show_reservation(call.tenant, call.uuid("pk"))))


@operations.add(
    "POST",
    "/usage/reservations/{pk}/settle/",
    "settleReservation",
    summary="Settle a reservation",
    body=SettleReservationRequest,
    answer=ReservationResponse,
    path_schemas=UUID_IN_PATH,
    refuses=[
        NotFound, ReservationSettled, ReservationReleased, ReservationExpired, NoSuchCustomer, TooMuch, KeyOfAnother,
    ],
)  # fmt: skip
async def settle(call: Call[SettleReservationRequest]) -> Response:
    """Gives back what is held and counts what was used, exactly once: it may be more or less than was held.

    It is kept as a usage report of now, under the key `reservation:` and the reservation's id. Settled again with the
    same value, the answer is the same.
    """
    return json_answer(reservation_answer(await settle_reservation(call.tenant, call.uuid("pk"), call.body.value)))


@operations.add(
    "POST",
    "/usage/reservations/{pk}/release/",
    "releaseReservation",
    summary="Release a reservation",
    answer=ReservationResponse,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, ReservationSettled],
)
async def release(call: Call[None]) -> Response:
    """Gives back what is held; nothing is counted. Of one that is released or has expired already, nothing changes."""
    return json_answer(reservation_answer(await release_reservation(call.tenant, call.uuid("pk"))))
