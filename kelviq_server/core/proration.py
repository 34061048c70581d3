"""What a part of a period costs: by the second, as an exact fraction, rounded once."""

from datetime import datetime
from fractions import Fraction

from kelviq_server.core.money import round_half_away
from kelviq_server.core.period import Period, whole_seconds


def remaining_share(period: Period, at: datetime) -> Fraction:
    """Return which part of a period is left at an instant: from 1 at its start, or before, to 0 at its end."""
    if not period.seconds:
        return Fraction(0)
    left = whole_seconds(period.end) - whole_seconds(max(at, period.start))
    return Fraction(max(left, 0), period.seconds)


def unused(price_units: int, period: Period, at: datetime) -> int:
    """Return the part of a price that pays for the rest of the period, in minor units.

    Counted to the second and rounded once, so a credit and a charge of the same price at the same moment cancel out to
    zero.
    """
    return round_half_away(price_units * remaining_share(period, at), 0)
