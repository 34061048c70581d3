"""What stops a request about organizations and keys."""

from kelviq_server.core.errors import Refusal


class UserExists(Refusal):
    """An account with this email already exists."""

    status = 409
