"""What stops a payment on a checkout's page."""

from kelviq_server.core.errors import Refusal


class AmountChanged(Refusal):
    """What this comes to has changed. Look at the new total and pay again."""
