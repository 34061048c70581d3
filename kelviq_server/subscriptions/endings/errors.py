"""What stops a cancellation."""

from kelviq_server.core.errors import Refusal


class NoPeriodEnds(Refusal):
    """What was bought once has no period that ends."""

    field = "cancellationType"


class CancellationDatePast(Refusal):
    """The date must be today or later."""

    field = "cancellationDate"


class NotCancelled(Refusal):
    """The subscription is not about to end."""
