"""What becomes of a subscription when what it owes is paid, or is not."""

from datetime import datetime, timedelta

from kelviq_server.billing.orders.records import Collection, Order
from kelviq_server.core.invoice import Item
from kelviq_server.payments.records import Attempt, PaymentMethod
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus, Taken

# When a card is tried again, in days after its first failure: eight times in two weeks.
RETRY_DAYS = (1, 2, 3, 5, 7, 9, 11, 14)


def retries_for(order: Order) -> int:
    """Return how often a payment that failed is tried again: cards are, other methods are not."""
    method = order.payment_method
    return len(RETRY_DAYS) if method is None or method.type == "card" else 0


def next_retry(owing_since: datetime, retries: int, allowed: int) -> datetime:
    """Return when what is owed is tried again after so many retries; after the last one at once, to give it up."""
    days = RETRY_DAYS[min(retries, allowed - 1)] if allowed else 0
    return owing_since + timedelta(days=days)


def is_exhausted(retries: int, allowed: int) -> bool:
    """Say whether nothing is left but to give up what is owed."""
    return retries >= allowed


def has_other(subscription: Subscription, default: PaymentMethod | None) -> bool:
    """Say whether the customer's default takes over from the subscription's own payment method, which failed."""
    is_other = default is not None and subscription.method_id not in (None, default.id)
    return is_other and subscription.has_fallback


def is_called_off(order: Order, attempt: Attempt) -> bool:
    """Say whether a payment is not to be approved of any more by its customer, since nobody asks for it."""
    return order.collection is Collection.ONCE and attempt.is_on_session


def is_in_hand(order: Order, attempt: Attempt) -> bool:
    """Say whether a clock waits for a payment that is on its way, until it is known how it ended.

    Not for a customer who is asked to approve of what is owed, nor for a gateway that tells later.
    """
    return is_called_off(order, attempt) or not (attempt.is_on_session or attempt.answers_at)


def is_older(order: Order, other: Order) -> bool:
    """Say whether an order was owed before another one."""
    return (order.created_at, order.id) < (other.created_at, other.id)


def retries_once_paid(retries: int) -> int:
    """Return how many of the retries count when something is paid that was not owed longest: that is tried at once.

    Else what credit pays meanwhile would use its retries up, and it would be given up before its two weeks are over.
    """
    return max(retries - 1, 0)


def taken_by(subscription: Subscription, order: Order) -> tuple[list[Item], list[Taken]]:
    """Return what an order took over that is its customer's, and what other orders did."""
    taken = [item for each in subscription.taken if each.order_id == order.id for item in each.items]
    return taken, [each for each in subscription.taken if each.order_id != order.id]


def status_once_paid(subscription: Subscription) -> SubscriptionStatus:
    """Return where a subscription stands whose first payment came, or of which nothing is owed any more."""
    return SubscriptionStatus.TRIALING if subscription.is_on_trial else SubscriptionStatus.ACTIVE
