"""Discounts: codes that take something off what is bought with them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kelviq_server.catalog.prices.records import OfferedPlan
from kelviq_server.core import discount as core


class DiscountType(StrEnum):
    """Whether a part is taken off, or an amount."""

    PERCENTAGE = "PERCENTAGE"
    FIXED_AMOUNT = "FIXED_AMOUNT"


class DiscountStatus(StrEnum):
    """Whether a discount can be redeemed, and if not, whether that is so for good or by the merchant's wish."""

    ACTIVE = "ACTIVE"
    # Past its end, or used up.
    EXPIRED = "EXPIRED"
    # Switched off, whatever else.
    DISABLED = "DISABLED"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is taken off, and for how long: fixed from the first redemption on."""

    type: DiscountType
    # Of a PERCENTAGE alone.
    percentage: Decimal | None
    # Of a FIXED_AMOUNT alone.
    amount_units: int | None
    currency: str | None
    # Otherwise it holds for the first purchase alone.
    is_recurring: bool
    # None: for ever, where it is recurring.
    cycles: int | None

    def discount(self) -> core.Discount:
        """Return the discount as invoices are reckoned with it."""
        cycles = self.cycles if self.is_recurring else 1
        if self.percentage is not None:
            return core.Discount(core.Percentage(self.percentage), cycles)
        assert self.amount_units is not None
        return core.Discount(core.FixedAmount(self.amount_units), cycles)


@dataclass(frozen=True, slots=True)
class NamedRestriction:
    """What a discount shall hold for, as the merchant names it: a product, one of its plans, a price of that."""

    product_id: UUID
    plan: str | None = None
    price_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Restriction(NamedRestriction):
    """What a discount holds for."""

    plan_id: UUID | None = None
    # Of the price. A plan has one price for each currency, whose row is another in each version.
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDiscount:
    """What a discount is made from, and what a change of it writes."""

    name: str
    code: str
    terms: Terms
    redemption_limit: int | None
    expires_at: datetime | None
    is_enabled: bool
    # None at all: it holds for everything.
    restrictions: tuple[Restriction, ...]
    # Keys of the merchant's own, as JSON.
    metadata: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount(NewDiscount):
    """A discount as it is kept, and how it stands at the instant at which it was read."""

    id: UUID
    redemptions: int
    status: DiscountStatus
    # Of a promotion's code: which one gave it, to visitors of which country, and whether buyers must be of that, too.
    promotion_id: UUID | None = None
    country: str | None = None
    is_strict: bool = False
    created_at: datetime
    modified_at: datetime

    def values(self) -> NewDiscount:
        """Return what a change may write."""
        return NewDiscount(**{field.name: getattr(self, field.name) for field in fields(NewDiscount)})


@dataclass(frozen=True, slots=True)
class Offered:
    """What restrictions may name, of what they do name: products, and plans that are or were for sale."""

    products: frozenset[UUID]
    plans: Mapping[str, OfferedPlan]


@dataclass(frozen=True, slots=True)
class Sale:
    """What is about to be sold."""

    product_id: UUID
    plan_id: UUID
    price_id: UUID
    currency: str
    # Where the buyer is; None while nobody has said.
    country: str | None = None


@dataclass(frozen=True, slots=True)
class SaleDiscount:
    """A discount that holds for a sale."""

    id: UUID
    code: str
    name: str
    discount: core.Discount
    # Where the buyer has to be, if anywhere.
    country: str | None = None
    # Whose code it is, if that is a promotion's.
    promotion_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """That an order was paid with a discount, and how much it took off."""

    order_id: str
    # The merchant's id of the customer.
    customer: str
    currency: str
    amount_units: int
    redeemed_at: datetime
