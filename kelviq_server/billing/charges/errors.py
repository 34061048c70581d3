"""What stops a charge."""

from kelviq_server.core.errors import Refusal


class PaymentUnsettled(Refusal):
    """How the payment ended is not known yet: do not charge again."""

    # Sent again with its key, the request goes on from here.
    is_final = False
