"""An invoice as a value: from what is to be charged to what is due, each line rounded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kelviq_server.core.discount import Discount, taken_off
from kelviq_server.core.period import Period
from kelviq_server.core.tax import Taxed, exclusive, inclusive


@dataclass(frozen=True, slots=True)
class TaxRule:
    """How a line is taxed."""

    rate_percent: Decimal
    # Whether the price holds the tax, or the tax comes on top.
    is_inclusive: bool = False
    # A business elsewhere pays the tax itself: there is none on the line.
    is_reverse_charge: bool = False
    # Whether such a business, too, pays the whole of a price that holds the tax.
    keeps_price: bool = False
    # What documents call the tax, such as VAT.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """What is to be charged: what it is, for which time, how many, at which price. A credit is negative."""

    what: str
    amount_units: int
    tax: TaxRule
    quantity: int = 1
    # Of one, in the major unit; None where the quantity has no single price.
    unit_price: Decimal | None = None
    period: Period | None = None
    # Which discounts may touch it.
    is_discountable: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """An item with what is taken off it, and its tax."""

    item: Item
    discount_units: int
    taxed: Taxed

    @property
    def subtotal_units(self) -> int:
        """Return what the item comes to, before discounts, as this buyer pays it."""
        return as_paid(self.item.amount_units, self.item.tax)

    @property
    def less_units(self) -> int:
        """Return how much less the buyer pays because of discounts."""
        return self.subtotal_units - as_paid(self.item.amount_units - self.discount_units, self.item.tax)


@dataclass(frozen=True, slots=True)
class Invoice:
    """Lines, what they come to, and how much of that the customer's credit pays."""

    lines: Sequence[Line]
    # Negative where the invoice adds to the credit, because credits outweigh charges.
    credit_units: int

    @property
    def subtotal_units(self) -> int:
        """Return what the items come to, before discounts; as their prices are written, with or without tax.

        Of a price that is lowered by its tax, what is left: it is what the buyer is asked for.
        """
        return sum(line.subtotal_units for line in self.lines)

    @property
    def discount_units(self) -> int:
        """Return what is taken off."""
        return sum(line.less_units for line in self.lines)

    @property
    def tax_units(self) -> int:
        """Return the tax on all lines."""
        return sum(line.taxed.tax_units for line in self.lines)

    @property
    def total_units(self) -> int:
        """Return what all lines come to, with tax."""
        return sum(line.taxed.gross_units for line in self.lines)

    @property
    def due_units(self) -> int:
        """Return what is left to be paid; never negative."""
        return self.total_units - self.credit_units


def make_invoice(items: Sequence[Item], discounts: Sequence[Discount], cycle: int, credit_units: int) -> Invoice:
    """Return the invoice for these items in a billing cycle, the first of which is 0.

    Discounts take from what the ones before them left, tax is reckoned on what is left after all of them, and the
    customer's credit pays last.
    """
    left = [item.amount_units for item in items]
    for discount in discounts:
        if discount.holds(cycle):
            touched = [units if item.is_discountable else 0 for item, units in zip(items, left, strict=True)]
            left = [units - less for units, less in zip(left, taken_off(discount, touched), strict=True)]
    lines = [
        Line(item, item.amount_units - units, taxed(units, item.tax)) for item, units in zip(items, left, strict=True)
    ]
    total = sum(line.taxed.gross_units for line in lines)
    return Invoice(lines, min(credit_units, total))


def as_paid(units: int, rule: TaxRule) -> int:
    """Return an amount as the buyer pays it: without the tax in it, where a business is let have that."""
    return taxed(units, rule).net_units if rule.is_inclusive and rule.is_reverse_charge else units


def taxed(units: int, rule: TaxRule) -> Taxed:
    """Return an amount with its tax, as the rule has it."""
    if not rule.is_inclusive:
        return Taxed(units, 0) if rule.is_reverse_charge else exclusive(units, rule.rate_percent)
    if not rule.is_reverse_charge:
        return inclusive(units, rule.rate_percent)
    return Taxed(units if rule.keeps_price else inclusive(units, rule.rate_percent).net_units, 0)
