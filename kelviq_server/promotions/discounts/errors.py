"""What stops a request about discounts, or a sale that a discount does not hold for."""

from kelviq_server.core.errors import Refusal


class DiscountExists(Refusal):
    """A discount with this code already exists."""

    field = "code"


class DiscountUnknown(Refusal):
    """There is no such discount code."""

    field = "discountCode"


class DiscountExpired(Refusal):
    """This discount code has expired."""

    field = "discountCode"


class DiscountUsedUp(Refusal):
    """This discount code has been used as often as it can be."""

    field = "discountCode"


class DiscountNotForPlan(Refusal):
    """This discount code does not apply to this plan."""

    field = "discountCode"


class DiscountNotForCountry(Refusal):
    """This discount code is for buyers in another country."""

    field = "discountCode"


class DiscountBlocked(Refusal):
    """This discount code cannot be used through a VPN, a proxy or a network that hides where you are."""

    field = "discountCode"


class DiscountOfPromotion(Refusal):
    """This is the code of a promotion: change that instead."""


class DiscountInOtherCurrency(Refusal):
    """This discount code is for prices in another currency."""

    field = "discountCode"
