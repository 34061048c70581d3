"""Whether an invoice and its credit notes are what their lines come to."""

from collections.abc import Iterator, Sequence

from kelviq_server.billing.invoices import rules as invoices
from kelviq_server.billing.invoices.records import Invoice, Taken
from kelviq_server.billing.verification.records import Difference


def differences(invoice: Invoice, notes: Sequence[Sequence[Taken]]) -> Iterator[Difference]:
    """Yield what of an invoice and its credit notes is not what it comes to when it is reckoned anew."""
    for what, expected, found in invoices.faults(invoice):
        if expected != found:
            yield Difference(f"{what} of invoice", invoice.id, str(expected), str(found))
    for place, note in enumerate(notes):
        amount_units = sum(line.gross_units for line in note)
        try:
            expected = invoices.credit_lines(invoice.lines, notes[:place], amount_units)
        except ValueError:
            yield Difference("credit notes of invoice", invoice.id, str(invoice.total_units), "more than that")
            return
        if list(note) != expected:
            yield Difference("credit note of invoice", invoice.id, str(expected), str(list(note)))
