"""What stops a change of a subscription."""

from kelviq_server.core.errors import Refusal


class BoughtOnce(Refusal):
    """What was bought once, or is free, cannot be updated: use checkout."""


class SubscriptionUnpaid(Refusal):
    """A payment of the subscription is owed: it can be updated once that is paid."""

    is_final = False


class PaymentUnderWay(Refusal):
    """A payment of the subscription is on its way: it can be updated once that has ended."""

    # Sent again later, the same request may be carried out.
    is_final = False


class ChangeWaits(Refusal):
    """The subscription waits for a payment already: its first, or that of another update."""

    is_final = False


class TrialEndPast(Refusal):
    """The end of a trial must be in the future."""

    field = "trialEnd"


class TrialOfOneTime(Refusal):
    """What is bought once has no trial."""

    field = "trialEnd"
