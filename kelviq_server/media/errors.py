"""What stops a request about media."""

from kelviq_server.core.errors import Refusal


class UploadNotUsable(Refusal):
    """A file key cannot be used: it is unknown, expired, or attached already."""
