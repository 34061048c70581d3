"""What stops a request about products."""

from kelviq_server.core.errors import Refusal


class ProductExists(Refusal):
    """A product with this identifier already exists."""

    field = "identifier"


class ProductArchived(Refusal):
    """The product is archived."""
