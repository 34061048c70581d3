"""What stops a refund."""

from kelviq_server.core.errors import Refusal


class NothingToRefund(Refusal):
    """Nothing of this order is left to be refunded."""


class RefundTooLarge(Refusal):
    """Amount exceeds what is left to be refunded."""


class RefundTooFine(Refusal):
    """The order's currency has no coin that small."""


class RefundRefused(Refusal):
    """The payment gateway refused the refund."""
