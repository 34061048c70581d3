"""What stops a purchase."""

from kelviq_server.core.errors import Refusal


class NoTrialWithoutRenewal(Refusal):
    """What is bought once has no trial."""

    field = "trialPeriod"
