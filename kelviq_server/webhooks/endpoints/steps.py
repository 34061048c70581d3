"""What the parts of webhooks borrow of endpoints."""

from uuid import UUID

from kelviq_server.platform.addresses import address_fault
from kelviq_server.platform.ids import random_text
from kelviq_server.platform.outgoing import current_outgoing
from kelviq_server.platform.vault import current_vault
from kelviq_server.platform.wire import refuse_faults
from kelviq_server.webhooks.endpoints import rules
from kelviq_server.webhooks.endpoints.records import NewSecret


def new_secret(endpoint_id: UUID) -> NewSecret:
    """Return a new signing secret, sealed for this endpoint alone."""
    plain = rules.secret_of(random_text())
    return NewSecret(plain, current_vault().seal(plain, _purpose(endpoint_id)), plain[: rules.SHOWN_CHARACTERS])


def open_secret(endpoint_id: UUID, sealed: bytes) -> str:
    """Return an endpoint's signing secret; raises ValueError when it was sealed with another instance secret."""
    return current_vault().open(sealed, _purpose(endpoint_id))


def refuse_address(url: str) -> None:
    """Raise InvalidFields for an address that nothing would ever be sent to."""
    fault = address_fault(url, current_outgoing().networks)
    refuse_faults([] if fault is None else [(("url",), fault)])


def _purpose(endpoint_id: UUID) -> str:
    return f"webhook endpoint {endpoint_id}"
