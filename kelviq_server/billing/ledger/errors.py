"""What stops a change of a customer's credit."""

from kelviq_server.core.errors import Refusal


class CreditTooLow(Refusal):
    """The customer does not have so much credit."""

    field = "amountUnits"
