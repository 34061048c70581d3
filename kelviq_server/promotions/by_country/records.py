"""Promotions: what visitors of some countries get cheaper, and the banner that tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kelviq_server.visitors.records import Network


class IncomeGroup(StrEnum):
    """Countries by what people earn there, as the World Bank groups them."""

    HIGH_INCOME = "HIGH_INCOME"
    UPPER_MIDDLE_INCOME = "UPPER_MIDDLE_INCOME"
    LOWER_MIDDLE_INCOME = "LOWER_MIDDLE_INCOME"
    LOW_INCOME = "LOW_INCOME"


class WidgetType(StrEnum):
    """What a page shows of a promotion."""

    BANNER = "BANNER"


class Placement(StrEnum):
    """Where a banner is."""

    TOP = "top"
    BOTTOM = "bottom"


@dataclass(frozen=True, slots=True)
class Banner:
    """How a banner looks, and what it says."""

    country_message: str = (
        "Hello {country_flag} It looks like you are from <b>{country}</b>."
        " Use code <b>{coupon_code}</b> to get <b>{discount_percentage}%</b> off."
    )
    background_color: str = "#3182CE"
    # From 0, not to be seen at all, to 100, not to be seen through: as is published.
    background_transparency: int = 100
    font_color: str = "#F9F9F9"
    highlight_font_color: str = "#FFE08A"
    font_size: str = "1rem"
    border_radius: str = "0"
    placement: Placement = Placement.TOP
    add_close_icon: bool = True
    un_styled: bool = False


@dataclass(frozen=True, slots=True)
class Security:
    """What keeps visitors from a discount, and whether buyers have to be in its country."""

    vpn: bool = True
    tor: bool = True
    proxy: bool = True
    relay: bool = True
    crawler: bool = True
    strict_country_matching: bool = True


@dataclass(frozen=True, slots=True)
class Covered:
    """What a promotion holds for: a product with all its plans, or a plan."""

    product_id: UUID
    plan_id: UUID | None = None
    # What the merchant calls the plan.
    plan: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPromotion:
    """What a promotion is made from, and what a change of it writes."""

    name: str
    is_enabled: bool = True
    groups: Mapping[IncomeGroup, Decimal] = field(default_factory=dict[IncomeGroup, Decimal])
    countries: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    restrictions: Sequence[Covered]
    banner: Banner = field(default_factory=Banner)
    security: Security = field(default_factory=Security)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion(NewPromotion):
    """A promotion as it is kept."""

    id: UUID
    created_at: datetime
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """The code that visitors of a country get."""

    discount_id: UUID
    country: str
    code: str
    percentage: Decimal


@dataclass(frozen=True, slots=True)
class Found:
    """What decides what a visitor gets: the promotion, the code of their country, what they come through."""

    promotion: Promotion
    code: Code | None
    networks: Sequence[Network]


@dataclass(frozen=True, slots=True)
class Flags:
    """What was noticed of a visitor."""

    vpn: bool
    tor: bool
    proxy: bool
    relay: bool
    crawler: bool


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a visitor gets: no code, and nothing off, where there is nothing for them."""

    country: str | None
    code: Code | None
    banner: Banner
    flags: Flags
