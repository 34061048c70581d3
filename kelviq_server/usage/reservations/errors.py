"""What stops something from being held, or a reservation from being settled or released."""

from kelviq_server.core.errors import Refusal


class NothingToReserve(Refusal):
    """This meter counts raw events: nothing can be reserved of it."""

    field = "featureId"


class NotEnoughLeft(Refusal):
    """This is more than what is left of the limit; nothing is held."""

    field = "amount"
    # Something may be given back, or the period may begin again.
    is_final = False


class TooMuchHeld(Refusal):
    """No more than 9223372036854775807 units are used and held together."""

    field = "amount"
    is_final = False


class KeyOfAnotherReservation(Refusal):
    """This idempotencyKey belongs to another reservation; use a new key for a new reservation."""

    status = 409


class ReservationSettled(Refusal):
    """This reservation is settled: nothing of it is held any more, and what was used is counted."""


class ReservationReleased(Refusal):
    """This reservation is released: nothing of it is held any more."""


class ReservationExpired(Refusal):
    """This reservation has expired: nothing of it is held any more."""
