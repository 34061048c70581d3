"""Which gateway goes by which name."""

from kelviq_server.payments.gateways.gateway import Gateway
from kelviq_server.payments.gateways.sandbox import SandboxGateway

_GATEWAYS: dict[str, Gateway] = {"sandbox": SandboxGateway()}


def gateway_named(name: str) -> Gateway:
    """Return the gateway of this name, as environments and attempts keep it."""
    return _GATEWAYS[name]
