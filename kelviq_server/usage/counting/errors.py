"""What stops something from being counted."""

from kelviq_server.core.errors import Refusal


class PeriodOver(Refusal):
    """The period of this instant is over: only a DELTA that is not negative is still counted, and no limit enforced."""

    field = "timestamp"


class NothingLeft(Refusal):
    """This goes beyond what is left of the limit; nothing of it was counted."""

    is_final = False


class TooMuch(Refusal):
    """No more than 9223372036854775807 units are counted in a period."""

    field = "value"
