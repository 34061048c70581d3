"""What stops somebody from using a subscription."""

from kelviq_server.core.errors import NotFound, Refusal


class SubscriptionUnknown(NotFound):
    """Subscription not found."""


class SubscriptionReplaced(Refusal):
    """The subscription was updated since: use its current id."""


class SubscriptionEnded(Refusal):
    """The subscription has ended."""
