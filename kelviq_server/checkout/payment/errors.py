"""What stops a payment on a checkout's page."""

from kelviq_server.core.errors import Refusal


class AmountChanged(Refusal):
    """What this comes to has changed. Look at the new total and pay again."""


class CustomerPaysElsewhere(Refusal):
    """This customer has bought here before. Ask the seller for a link of your own."""
