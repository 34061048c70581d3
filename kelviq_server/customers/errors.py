"""What stops a request about customers."""

from kelviq_server.core.errors import Refusal


class CustomerExists(Refusal):
    """Customer already exists."""

    field = "customerId"


class CustomerHasSubscription(Refusal):
    """A customer with an active subscription cannot be archived; cancel the subscription first."""


class CustomerUnknown(Refusal):
    """Customer does not exist."""
