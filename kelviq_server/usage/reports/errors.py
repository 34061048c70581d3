"""What stops a report from being counted."""

from kelviq_server.core.errors import Refusal


class NoSuchCustomer(Refusal):
    """Customer does not exist."""

    field = "customerId"
    # It may be there by the time that the same is reported again.
    is_final = False


class NoSuchFeature(Refusal):
    """Feature does not exist."""

    field = "featureId"
    is_final = False


class NoMeter(Refusal):
    """This feature is not a METER: nothing is used of it."""

    field = "featureId"


class CountsEvents(Refusal):
    """This meter counts raw events: report those to /report/event/."""

    field = "featureId"


class LessThanNothing(Refusal):
    """Ensure this value is greater than or equal to 0."""

    field = "value"


class NotYet(Refusal):
    """This is in the future."""

    field = "timestamp"
    is_final = False


class TooLongAgo(Refusal):
    """This is more than 90 days ago: it is not counted any more."""

    field = "timestamp"


class KeyOfAnother(Refusal):
    """This idempotencyKey belongs to another report; use a new key for a new report."""

    status = 409
