"""Sales: what of a plan is about to be bought, and what that costs before discounts and taxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.core.calendar import ChargePeriod


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of a plan: how often it is charged, how many of its features."""

    period: ChargePeriod
    features: Sequence[BoughtFeature] = ()
    # In the major unit: what was agreed on, of a price by agreement.
    custom_amount: Decimal | None = None
    # Whether such an amount may also stand in place of a price of the plan's own.
    replaces_price: bool = False
    # None: as the price says.
    tax_behavior: TaxBehavior | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where somebody buys: countries, ISO 3166-1 alpha-2; None where nobody knows."""

    # By the address from which it is bought, if that was said.
    address: str | None
    billing: str | None
    card: str | None

    @property
    def country(self) -> str | None:
        """Return the country that decides what may be bought."""
        return self.billing or self.address or self.card


@dataclass(frozen=True, slots=True)
class PricedItem:
    """A part of what is charged, before discount and tax."""

    what: str
    quantity: int
    unit_price: Decimal | None
    amount_units: int
    # Which feature, where it is one that is bought by its quantity.
    feature: str | None = None
