"""What stops a request about features."""

from kelviq_server.core.errors import Refusal


class FeatureExists(Refusal):
    """A feature with this identifier already exists."""

    field = "identifier"


class FeatureArchived(Refusal):
    """The feature is archived."""
