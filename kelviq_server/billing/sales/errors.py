"""What stops a sale."""

from kelviq_server.core.errors import Refusal


class PlanNotForSale(Refusal):
    """There is no such plan for sale."""

    field = "planIdentifier"


class PlanNotForCountry(Refusal):
    """This plan is not sold in the customer's country."""

    field = "planIdentifier"


class PeriodNotSold(Refusal):
    """The plan has no price for this charge period."""

    field = "chargePeriod"


class NoOneTimePrice(Refusal):
    """The plan has no one-time price."""

    field = "planIdentifier"


class NoPriceInCurrency(Refusal):
    """The plan has no price in this currency."""

    field = "currencyCode"


class OtherCurrency(Refusal):
    """The customer pays in another currency."""

    field = "currencyCode"


class CustomAmountRequired(Refusal):
    """The plan is sold by agreement: say the amount."""

    field = "customAmount"


class CustomAmountNotTaken(Refusal):
    """The plan has a price of its own."""

    field = "customAmount"


class AmountTooFine(Refusal):
    """The currency has no coin that small."""

    field = "customAmount"


class AmountTooLarge(Refusal):
    """What this comes to is more than can be charged."""
