"""Tax on a line: on top of its price or inside of it, rounded once."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kelviq_server.core.money import round_half_away


@dataclass(frozen=True, slots=True)
class Taxed:
    """A line without its tax, and the tax, in minor units; negative for a credit."""

    net_units: int
    tax_units: int

    @property
    def gross_units(self) -> int:
        """Return what is to be paid for it."""
        return self.net_units + self.tax_units


def exclusive(net_units: int, rate_percent: Decimal) -> Taxed:
    """Return a line whose tax comes on top of its price."""
    return Taxed(net_units, round_half_away(net_units * _rate(rate_percent), 0))


def inclusive(gross_units: int, rate_percent: Decimal) -> Taxed:
    """Return a line whose price holds its tax: what is without tax is rounded, and the tax is the rest."""
    net_units = round_half_away(gross_units / (1 + _rate(rate_percent)), 0)
    return Taxed(net_units, gross_units - net_units)


def tax_within(line: Taxed, gross_units: int) -> int:
    """Return how much of a line's tax is within so much of what it came to, tax included.

    Of the whole rather than of each part, so that refunds of all of a line give back all of its tax.
    Raises ValueError for more than the line.
    """
    if not 0 <= gross_units <= line.gross_units:
        raise ValueError("no more can be refunded than the line came to")
    if not line.gross_units:
        return 0
    return round_half_away(Fraction(line.tax_units * gross_units, line.gross_units), 0)


def _rate(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100
