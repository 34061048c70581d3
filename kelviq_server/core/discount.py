"""Discounts: what they take off the lines of an invoice, and of how many invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kelviq_server.core.money import round_half_away, split


@dataclass(frozen=True, slots=True)
class Percentage:
    """So many hundredths off."""

    percent: Decimal


@dataclass(frozen=True, slots=True)
class FixedAmount:
    """So many minor units off, of the currency that the lines have."""

    amount_units: int


@dataclass(frozen=True, slots=True)
class Discount:
    """What is taken off, and for how many billing cycles: 1 is the first purchase alone, None is for ever."""

    off: Percentage | FixedAmount
    cycles: int | None

    def holds(self, cycle: int) -> bool:
        """Say whether it counts for a billing cycle, the first of which is 0."""
        return self.cycles is None or cycle < self.cycles


def taken_off(discount: Discount, line_units: Sequence[int]) -> list[int]:
    """Return how much is taken off each line, in minor units; credits keep what they are.

    The whole is rounded once and divided over the lines as they are large, so that it adds up; never more than a line.
    """
    weights = [max(units, 0) for units in line_units]
    whole = sum(weights)
    match discount.off:
        case Percentage(percent):
            total = round_half_away(whole * Fraction(percent) / 100, 0)
        case FixedAmount(amount_units):
            total = amount_units
    return split(min(total, whole), weights) if whole else [0] * len(weights)
