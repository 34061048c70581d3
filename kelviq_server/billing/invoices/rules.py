"""How an invoice is written down, and whether what is written down is right."""

from collections.abc import Iterator, Sequence

from kelviq_server.billing.invoices.records import Invoice, InvoiceLine, Taken
from kelviq_server.core import invoice as core
from kelviq_server.core.refund import taken_back
from kelviq_server.core.tax import Taxed


def lines_of(invoice: core.Invoice) -> tuple[InvoiceLine, ...]:
    """Return the lines as they are issued."""
    return tuple(
        InvoiceLine(
            what=line.item.what,
            quantity=line.item.quantity,
            unit_price=line.item.unit_price,
            period_start=line.item.period.start if line.item.period else None,
            period_end=line.item.period.end if line.item.period else None,
            amount_units=line.item.amount_units,
            discount_units=line.discount_units,
            net_units=line.taxed.net_units,
            tax_units=line.taxed.tax_units,
            tax_rate_percent=line.item.tax.rate_percent,
            is_tax_inclusive=line.item.tax.is_inclusive,
            is_reverse_charge=line.item.tax.is_reverse_charge,
            keeps_price=line.item.tax.keeps_price,
            tax_name=line.item.tax.name,
        )
        for line in invoice.lines
    )


def tax_rule_of(line: InvoiceLine) -> core.TaxRule:
    """Return how an issued line was taxed."""
    return core.TaxRule(line.tax_rate_percent, line.is_tax_inclusive, line.is_reverse_charge, line.keeps_price)


def paid_amounts(line: InvoiceLine) -> tuple[int, int]:
    """Return what an issued line comes to as its buyer pays it, before discounts, and what these take off that."""
    rule = tax_rule_of(line)
    subtotal_units = core.as_paid(line.amount_units, rule)
    return subtotal_units, subtotal_units - core.as_paid(line.amount_units - line.discount_units, rule)


def credit_lines(lines: Sequence[InvoiceLine], notes: Sequence[Sequence[Taken]], amount_units: int) -> list[Taken]:
    """Return the lines of the credit note for a further refund, after these earlier notes."""
    before = [Taxed(0, 0) for _ in lines]
    for note in notes:
        if len(note) != len(before):
            before = before[: len(note)]
        before = [
            Taxed(sum_.net_units + taken.net_units, sum_.tax_units + taken.tax_units)
            for sum_, taken in zip(before, note, strict=True)
        ]
    issued = [Taxed(line.net_units, line.tax_units) for line in lines]
    return [Taken(part.net_units, part.tax_units) for part in taken_back(issued, before, amount_units)]


def faults(invoice: Invoice) -> Iterator[tuple[str, int, int]]:
    """Yield what of an invoice is not what its lines come to: a name, the right amount, and the one that stands."""
    for place, line in enumerate(invoice.lines):
        right = core.taxed(line.amount_units - line.discount_units, tax_rule_of(line))
        yield f"line {place} without tax", right.net_units, line.net_units
        yield f"tax of line {place}", right.tax_units, line.tax_units
    amounts = [paid_amounts(line) for line in invoice.lines]
    yield "subtotal", sum(subtotal for subtotal, _ in amounts), invoice.subtotal_units
    yield "discount", sum(less for _, less in amounts), invoice.discount_units
    yield "tax", sum(line.tax_units for line in invoice.lines), invoice.tax_units
    yield "total", sum(line.gross_units for line in invoice.lines), invoice.total_units
