"""What stops a series from being made."""

from kelviq_server.core.errors import Refusal


class EndsBeforeItBegins(Refusal):
    """This is before `from`."""

    field = "to"


class TooManyPoints(Refusal):
    """These are more than 400 points: ask for less time, or for longer points."""

    field = "granularity"
