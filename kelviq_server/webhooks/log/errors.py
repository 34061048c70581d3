"""What stops a reader of the log."""

from kelviq_server.core.errors import Refusal


class UnknownCursor(Refusal):
    """There is no such event; events are kept for 30 days."""

    field = "after"
