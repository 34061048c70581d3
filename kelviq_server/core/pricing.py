"""What a quantity costs: the five price models."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from kelviq_server.core.money import add, multiply, round_half_away

ZERO = Decimal(0)


class PriceModel(StrEnum):
    """How a price grows with the quantity."""

    # Every unit costs the same.
    FLAT = "FLAT"
    # Units come in whole packages; one that is begun is paid.
    PACKAGE = "PACKAGE"
    # Each tier's units cost what that tier says.
    TIERED = "TIERED"
    # All units cost what the tier says that the whole quantity falls into.
    VOLUME = "VOLUME"
    # The tier that the quantity falls into has one price, whatever the quantity within it.
    STAIRSTEP = "STAIRSTEP"


@dataclass(frozen=True, slots=True)
class Tier:
    """A range of quantities, up to and including a bound, and what it costs in the currency's major unit."""

    # None: without end. Only the last tier may be so.
    up_to: int | None
    unit_amount: Decimal = ZERO
    flat_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Rate:
    """A price: by one amount (FLAT for a unit, PACKAGE for a package), or by ascending tiers (the others)."""

    model: PriceModel
    amount: Decimal = ZERO
    package_size: int = 1
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a price, as an invoice shows it: so many, at so much each, and a fixed amount besides."""

    quantity: int
    unit_amount: Decimal
    flat_amount: Decimal

    @property
    def amount(self) -> Decimal:
        """Return what the part costs, exactly."""
        return add(multiply(self.unit_amount, self.quantity), self.flat_amount)


class BeyondLastTier(ValueError):
    """The quantity is larger than the last tier's bound, so nothing says what it costs."""


def price_units(rate: Rate, quantity: int, exponent: int) -> int:
    """Return what a quantity costs, in minor units of a currency with this exponent, rounded once.

    The quantity is a whole number from 0 to 2**63 - 1; raises ValueError for a negative one, and
    BeyondLastTier where the tiers do not reach that far.
    """
    return round_half_away(exact_amount(rate, quantity), exponent)


def exact_amount(rate: Rate, quantity: int) -> Decimal:
    """Return what a quantity costs in the currency's major unit, not rounded."""
    total = ZERO
    for part in parts(rate, quantity):
        total = add(total, part.amount)
    return total


def parts(rate: Rate, quantity: int) -> tuple[Part, ...]:
    """Return the pieces that the price of a quantity consists of.

    Of nothing, FLAT and PACKAGE cost nothing; in the models with tiers the first
    tier's flat amount is due (as Stripe, Lago and OpenMeter have it).
    """
    if quantity < 0:
        raise ValueError("a quantity is not negative")
    match rate.model:
        case PriceModel.FLAT:
            return (Part(quantity, rate.amount, ZERO),)
        case PriceModel.PACKAGE:
            return (Part(-(-quantity // rate.package_size), rate.amount, ZERO),)
        case PriceModel.TIERED:
            return tuple(_graduated(rate.tiers, quantity))
        case PriceModel.VOLUME:
            tier = _tier_of(rate.tiers, quantity)
            return (Part(quantity, tier.unit_amount, tier.flat_amount),)
        case PriceModel.STAIRSTEP:
            return (Part(1, ZERO, _tier_of(rate.tiers, quantity).flat_amount),)


def _tier_of(tiers: Sequence[Tier], quantity: int) -> Tier:
    for tier in tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return tier
    raise BeyondLastTier


def _graduated(tiers: Sequence[Tier], quantity: int) -> Iterator[Part]:
    """Yield a part for each tier that the quantity reaches into; the first one always."""
    _tier_of(tiers, quantity)
    below = 0
    for tier in tiers:
        if quantity <= below and below > 0:
            return
        reached = quantity if tier.up_to is None else min(quantity, tier.up_to)
        yield Part(reached - below, tier.unit_amount, tier.flat_amount)
        below = reached if tier.up_to is None else tier.up_to
