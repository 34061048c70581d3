"""Amounts of money: exact decimals on the way, whole minor units at the end, one rounding between them."""

from collections.abc import Sequence
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from typing import Final

# Holds the product of a 64-bit quantity and any price we take, digit for digit. Whatever would not fit raises
# Inexact instead of losing a digit in silence.
EXACT: Final = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero, Clamped])
_WIDE: Final = Context(prec=200, rounding=ROUND_DOWN, traps=[InvalidOperation, Overflow, DivisionByZero])


def multiply(left: Decimal, right: Decimal | int) -> Decimal:
    """Return the exact product; raises decimal.Inexact for what no price and quantity of ours come to."""
    return EXACT.multiply(left, right)


def add(left: Decimal, right: Decimal) -> Decimal:
    """Return the exact sum."""
    return EXACT.add(left, right)


def round_half_away(amount: Decimal | Fraction, exponent: int) -> int:
    """Return an amount of a currency's major unit in whole minor units, halves away from zero.

    `exponent` is the currency's number of decimals: 2 for USD, 0 for JPY, 3 for KWD (ISO 4217); 0 for what is in minor
    units already. The only rounding of money there is: once for each line.
    """
    if isinstance(amount, Fraction):
        doubled = 2 * abs(amount) * 10**exponent
        whole = (doubled.numerator // doubled.denominator + 1) // 2
        return whole if amount >= 0 else -whole
    with localcontext(_WIDE):
        return int(amount.scaleb(exponent).quantize(Decimal(1), ROUND_HALF_UP))


def to_amount(units: int, exponent: int) -> Decimal:
    """Return minor units as an amount of the major unit with all its decimals: 4900 is 49.00 USD."""
    return Decimal(units).scaleb(-exponent, _WIDE)


def has_decimals_beyond(amount: Decimal, exponent: int) -> bool:
    """Say whether nobody can pay this amount, because the currency has no coin that small."""
    with localcontext(_WIDE):
        scaled = amount.scaleb(exponent)
        return scaled != scaled.to_integral_value()


def split(total_units: int, weights: Sequence[int]) -> list[int]:
    """Return a total in whole units divided as the weights are, by largest remainder; the parts add up to it.

    Of equal remainders the first ones get the unit that is left, and what nobody weighs goes to the last. Weights are
    not negative.
    """
    whole = sum(weights)
    if not whole:
        return [0] * (len(weights) - 1) + [total_units] if weights else []
    sign, units = (-1, -total_units) if total_units < 0 else (1, total_units)
    parts = [units * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(units * weights[place] % whole))
    for place in by_remainder[: units - sum(parts)]:
        parts[place] += 1
    return [sign * part for part in parts]


def converted(amount: Decimal, rate: Decimal, other_rate: Decimal) -> Decimal:
    """Return what an amount comes to in another currency, to eight digits; both rates are of the same third one.

    For showing alone: nothing that is charged is converted.
    """
    with localcontext() as context:
        context.prec = 8
        return amount * other_rate / rate
