"""What stops a partner's request."""

from kelviq_server.core.errors import Refusal


class ExternalIdExists(Refusal):
    """An organization with this externalId already exists for this partner."""

    field = "externalId"
