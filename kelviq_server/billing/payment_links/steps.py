"""The address on which an invoice that is owed can be paid; the page itself is a matter of `pages`."""

from kelviq_server.billing.payment_links import rules
from kelviq_server.platform.database import Tx
from kelviq_server.platform.vault import current_vault

_PURPOSE = "payment link"
_address = "http://127.0.0.1:8000"


def use_payment_address(address: str) -> None:
    """Let payment links of this process begin so."""
    global _address
    _address = address


def payment_link(tx: Tx, invoice_id: str) -> str:
    """Return the address on which an invoice of the tenant can be paid."""
    return f"{_address}/pay/{rules.token_of(current_vault().derive(_PURPOSE), tx.tenant_id, invoice_id)}/"


def read_token(token: str) -> tuple[int, str] | None:
    """Return the tenant's id and the invoice's that a link's token stands for, or None."""
    return rules.read_token(current_vault().derive(_PURPOSE), token)
