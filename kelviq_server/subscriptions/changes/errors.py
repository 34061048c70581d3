"""What stops a change of a subscription."""

from kelviq_server.core.errors import Refusal


class BoughtOnce(Refusal):
    """What was bought once, or is free, cannot be updated: use checkout."""


class SubscriptionUnpaid(Refusal):
    """A payment of the subscription is owed: it can be updated once that is paid."""


class ChangeWaits(Refusal):
    """Another update of the subscription waits for its payment."""


class TrialEndPast(Refusal):
    """The end of a trial must be in the future."""

    field = "trialEnd"
