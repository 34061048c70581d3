"""What stops a clock."""

from kelviq_server.core.errors import Refusal


class ClockAdvancing(Refusal):
    """The clock is on its way to a later instant; wait until it has arrived."""

    status = 409


class DueWorkFailed(Refusal):
    """Something could not be carried out; the clock stands at the instant at which it fell due."""

    status = 409
