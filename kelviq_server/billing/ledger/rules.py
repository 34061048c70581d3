"""Which lines a movement consists of."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.billing.ledger.records import Account, JournalLine


def payment(
    currency: str, customer_id: UUID, *, charged_units: int, credit_units: int, tax_units: int, fee_units: int
) -> Sequence[JournalLine]:
    """Return what a paid order moves: the gateway's money and the customer's held credit become what is owed."""
    return _lines(
        JournalLine(Account.GATEWAY, currency, charged_units),
        JournalLine(Account.HELD_CREDIT, currency, credit_units, customer_id),
        JournalLine(Account.TAX, currency, -tax_units),
        JournalLine(Account.FEES, currency, -fee_units),
        JournalLine(Account.MERCHANT, currency, tax_units + fee_units - charged_units - credit_units),
    )


def refund(currency: str, *, amount_units: int, tax_units: int) -> Sequence[JournalLine]:
    """Return what a refund moves: money leaves the gateway, and neither its tax nor the rest is owed. Fees stay."""
    return _lines(
        JournalLine(Account.GATEWAY, currency, -amount_units),
        JournalLine(Account.TAX, currency, tax_units),
        JournalLine(Account.MERCHANT, currency, amount_units - tax_units),
    )


def credit_granted(currency: str, customer_id: UUID, amount_units: int) -> Sequence[JournalLine]:
    """Return what credit to a customer moves: the merchant is owed less, the customer more."""
    return _lines(
        JournalLine(Account.MERCHANT, currency, amount_units),
        JournalLine(Account.CUSTOMER_CREDIT, currency, -amount_units, customer_id),
    )


def credit_invoiced(currency: str, customer_id: UUID, *, total_units: int, tax_units: int) -> Sequence[JournalLine]:
    """Return what an invoice of less than nothing moves: the customer has credit, and its tax is not owed any more."""
    return _lines(
        JournalLine(Account.TAX, currency, -tax_units),
        JournalLine(Account.MERCHANT, currency, tax_units - total_units),
        JournalLine(Account.CUSTOMER_CREDIT, currency, total_units, customer_id),
    )


def credit_held(currency: str, customer_id: UUID, amount_units: int) -> Sequence[JournalLine]:
    """Return how credit is set aside for a payment; a negative amount gives it back."""
    return _lines(
        JournalLine(Account.CUSTOMER_CREDIT, currency, amount_units, customer_id),
        JournalLine(Account.HELD_CREDIT, currency, -amount_units, customer_id),
    )


def _lines(*lines: JournalLine) -> Sequence[JournalLine]:
    return [line for line in lines if line.amount_units]
