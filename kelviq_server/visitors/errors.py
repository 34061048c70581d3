"""What stops a list of networks from being taken in."""

from kelviq_server.core.errors import Refusal


class NoNetwork(Refusal):
    """This is no address and no range."""
