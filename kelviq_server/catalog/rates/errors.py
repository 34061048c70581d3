"""What stops a feed of exchange rates from being taken in."""

from kelviq_server.core.errors import Refusal


class NoRates(Refusal):
    """This is no feed of exchange rates."""
