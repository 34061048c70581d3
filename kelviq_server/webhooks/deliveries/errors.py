"""What stops events from being told once more."""

from kelviq_server.core.errors import Refusal


class TestUnderWay(Refusal):
    """A test of this endpoint is under way; wait for its answer."""

    status = 409


class NobodyListens(Refusal):
    """No enabled endpoint wants events of this type."""


class TooManyEvents(Refusal):
    """There are more than 50000 events in this range; replay a part of it."""
