"""What stops a request about taxes."""

from kelviq_server.core.errors import Refusal


class RateInThePast(Refusal):
    """A rate cannot begin in the past: what was taxed stands."""

    field = "validFrom"


class RateIsPackaged(Refusal):
    """A packaged rate cannot be deleted; add one of your own, which comes before it."""


class TooManyRates(Refusal):
    """There are 5000 tax rates of your own already."""
