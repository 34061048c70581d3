"""What stops a request about endpoints."""

from kelviq_server.core.errors import Refusal


class TooManyEndpoints(Refusal):
    """There are 50 webhook endpoints already."""


class UnknownEndpoint(Refusal):
    """There is no such endpoint."""

    field = "endpoint"


class EndpointDisabled(Refusal):
    """The endpoint is disabled; enable it first."""
