"""What stops a checkout session from being opened."""

from kelviq_server.core.errors import Refusal


class PlanNotEnabled(Refusal):
    """This plan is not among those that are enabled."""

    field = "planIdentifier"


class OtherProduct(Refusal):
    """These are not plans of one product."""

    field = "plansEnabled"


class NothingForSale(Refusal):
    """Nothing of this product is for sale."""
