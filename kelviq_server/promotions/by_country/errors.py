"""What stops a request about promotions."""

from kelviq_server.core.errors import NotFound


class PromotionUnknown(NotFound):
    """Promotion not found."""
