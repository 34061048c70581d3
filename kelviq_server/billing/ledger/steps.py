"""What the parts of billing, and other modules, borrow of the ledger."""

from uuid import UUID

from kelviq_server.billing.ledger import rules
from kelviq_server.billing.ledger.records import EntryKind
from kelviq_server.billing.ledger.store import find_credit, insert_entry
from kelviq_server.platform.database import Tx

__all__ = ["find_credit", "grant_credit", "hold_credit", "insert_entry", "release_credit"]


async def grant_credit(
    tx: Tx, customer_id: UUID, currency: str, amount_units: int, *, order_id: str | None = None, note: str | None = None
) -> None:
    """Let a locked customer have so much more credit, which the next invoices use; negative takes it away."""
    lines = rules.credit_granted(currency, customer_id, amount_units)
    await insert_entry(tx, EntryKind.CREDIT_GRANTED, lines, order_id=order_id, note=note)


async def hold_credit(tx: Tx, customer_id: UUID, currency: str, amount_units: int, order_id: str) -> None:
    """Set a locked customer's credit aside for an order, so that no other uses it."""
    lines = rules.credit_held(currency, customer_id, amount_units)
    await insert_entry(tx, EntryKind.CREDIT_HELD, lines, order_id=order_id)


async def release_credit(tx: Tx, customer_id: UUID, currency: str, amount_units: int, order_id: str) -> None:
    """Give credit back that was set aside for an order which was not paid."""
    lines = rules.credit_held(currency, customer_id, -amount_units)
    await insert_entry(tx, EntryKind.CREDIT_RELEASED, lines, order_id=order_id)
