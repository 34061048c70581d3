"""What stops a portal from being opened."""

from kelviq_server.core.errors import Refusal


class CustomerInvalid(Refusal):
    """Invalid customer id"""

    field = "customerId"


class EmailMissing(Refusal):
    """Customer does not have an email"""

    field = "customerId"


class PortalClosed(Refusal):
    """This link does not open the portal any more."""

    status = 403
