"""What stops a request about an offering."""

from kelviq_server.core.errors import Refusal


class ProductUnknown(Refusal):
    """Product does not exist"""

    status = 404
