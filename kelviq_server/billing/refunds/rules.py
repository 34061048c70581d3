"""How much may go back."""

from kelviq_server.billing.orders.records import Order
from kelviq_server.billing.refunds.errors import NothingToRefund, RefundTooFine, RefundTooLarge
from kelviq_server.billing.refunds.records import NewRefund
from kelviq_server.core.money import has_decimals_beyond, round_half_away, to_amount


def refund_units(order: Order, new: NewRefund, exponent: int) -> int:
    """Return how much of a locked order goes back, in minor units; all that is left, unless an amount is named.

    Raises NothingToRefund, RefundTooFine, RefundTooLarge.
    """
    if order.refundable_units == 0:
        raise NothingToRefund
    units = new.amount_units
    if units is None and new.amount is not None:
        if has_decimals_beyond(new.amount, exponent):
            raise RefundTooFine
        units = round_half_away(new.amount, exponent)
    if units is None:
        return order.refundable_units
    if units > order.refundable_units:
        left = to_amount(order.refundable_units, exponent)
        raise RefundTooLarge(f"Amount exceeds what is left to be refunded: {left} {order.currency}.")
    return units
