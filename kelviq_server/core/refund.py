"""How a refund divides over what was sold: each line and its tax, so that refunds down to the last cent add up."""

from collections.abc import Sequence

from kelviq_server.core.money import split
from kelviq_server.core.tax import Taxed, tax_within


def taken_back(lines: Sequence[Taxed], taken: Sequence[Taxed], amount_units: int) -> list[Taxed]:
    """Return how much of each line, and of its tax, a further refund takes back; `taken` is what earlier ones took.

    Divided as what is left of each line, by largest remainder; the tax is that of all refunds of the line less what
    earlier ones took. Where credits stand among the lines, what they leave over is one line. Raises ValueError for
    more than is left.
    """
    if any(line.gross_units < 0 for line in lines):
        lines, taken = [_sum(lines)], [_sum(taken)]
    left = [line.gross_units - before.gross_units for line, before in zip(lines, taken, strict=True)]
    if not 0 <= amount_units <= sum(left):
        raise ValueError("no more can be refunded than is left")
    parts: list[Taxed] = []
    for line, before, units in zip(lines, taken, split(amount_units, left), strict=True):
        tax_units = tax_within(line, before.gross_units + units) - before.tax_units
        parts.append(Taxed(units - tax_units, tax_units))
    return parts


def _sum(lines: Sequence[Taxed]) -> Taxed:
    return Taxed(sum(line.net_units for line in lines), sum(line.tax_units for line in lines))
