"""Promotions as the wire spells them: for merchants, and for visitors."""

import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast
from uuid import UUID

from babel import Locale
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.core.money import has_decimals_beyond
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Between, Flag, Id, Number, Slug, exact_number
from kelviq_server.platform.wire import Answer, Body, Country, Description, Name, wire_instant
from kelviq_server.promotions.by_country.records import (
    Banner,
    Flags,
    IncomeGroup,
    Placement,
    Promotion,
    Resolved,
    Security,
    WidgetType,
)
from kelviq_server.promotions.by_country.rules import INCOME_GROUPS
from kelviq_server.promotions.discounts.records import NamedRestriction

_ABSENT: Any = None
MAX_RESTRICTIONS = 100
_COLOR = r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})"
_LENGTH = r"[0-9]{1,4}(\.[0-9]{1,3})?(px|rem|em|%)?"


def _color(value: str) -> str:
    if not re.fullmatch(_COLOR, value, re.ASCII):
        raise PydanticCustomError("color", "Enter a colour such as #3182CE.")
    return value


def _length(value: str) -> str:
    if not re.fullmatch(_LENGTH, value, re.ASCII):
        raise PydanticCustomError("length", "Enter a length such as 14px, 1rem or 0.")
    return value


Color = Annotated[str, AfterValidator(_color), WithJsonSchema({"type": "string", "pattern": f"^{_COLOR}$"})]
Length = Annotated[str, AfterValidator(_length), WithJsonSchema({"type": "string", "pattern": f"^{_LENGTH}$"})]


def _rate(value: Any) -> Decimal:
    rate = exact_number(value)
    if not 0 <= rate <= 100:
        raise PydanticCustomError("rate", "Ensure this value is between 0 and 100.")
    if has_decimals_beyond(rate, 4):
        raise PydanticCustomError("places", "Ensure that there are no more than 4 decimal places.")
    return rate


CountryRate = Annotated[
    Decimal, BeforeValidator(_rate), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100})
]


class PromotionRestrictionWrite(Body):
    """What a promotion shall hold for."""

    product: Id = Field(description="The product's UUID; without a plan, all its plans.")
    plan: Slug | None = Field(None, description="The identifier of a plan of the product that is or was for sale.")

    def named(self) -> NamedRestriction:
        """Return what it names."""
        return NamedRestriction(self.product, self.plan)


class PromotionGroupsWrite(Body):
    """How much visitors of each group of countries get off, in hundredths; null and 0 are nothing."""

    high_income: CountryRate | None = Field(None, alias="HIGH_INCOME")
    upper_middle_income: CountryRate | None = Field(None, alias="UPPER_MIDDLE_INCOME")
    lower_middle_income: CountryRate | None = Field(None, alias="LOWER_MIDDLE_INCOME", examples=[30])
    low_income: CountryRate | None = Field(None, alias="LOW_INCOME", examples=[60])

    def rates(self) -> dict[IncomeGroup, Decimal]:
        """Return the groups that get anything off."""
        return {group: rate for group in IncomeGroup if (rate := getattr(self, group.lower()))}


class CountryPercentageWrite(Body):
    """How much visitors of one country get off."""

    country: Country
    percentage: CountryRate = Field(description="In hundredths; 0 is nothing, whatever its group gets.", examples=[40])


class PromotionBannerWrite(Body):
    """How the banner looks, and what it says; settings not sent stay."""

    country_message: Description = Field(
        _ABSENT,
        description="Simple HTML; knows {country}, {country_flag}, {coupon_code}, {discount_percentage}, {discount}.",
    )
    background_color: Color = Field(_ABSENT)
    background_transparency: Annotated[int, Between(0, 100)] = Field(
        _ABSENT, description="From 0, fully transparent, to 100, fully opaque."
    )
    font_color: Color = Field(_ABSENT)
    highlight_font_color: Color = Field(_ABSENT, description="Of what is bold.")
    font_size: Length = Field(_ABSENT)
    border_radius: Length = Field(_ABSENT)
    placement: Placement = Field(_ABSENT)
    add_close_icon: Flag = Field(_ABSENT, description="Whether visitors can put it away.")
    un_styled: Flag = Field(_ABSENT, description="Whether it comes without any style.")


class PromotionSecurityWrite(Body):
    """What keeps visitors from the discount; settings not sent stay. All is on unless you switch it off."""

    vpn: Flag = Field(_ABSENT, description="Block visitors who come through a VPN.")
    tor: Flag = Field(_ABSENT, description="Block visitors who come through Tor.")
    proxy: Flag = Field(_ABSENT, description="Block visitors who come through a proxy, or from a data centre.")
    relay: Flag = Field(_ABSENT, description="Block visitors who come through Apple's Private Relay.")
    crawler: Flag = Field(_ABSENT, description="Block crawlers.")
    strict_country_matching: Flag = Field(
        _ABSENT,
        description="Take a code only from buyers whose billing address is in the country of the code, and their card.",
    )


class PromotionUpdateRequest(Body):
    """Fields of a promotion to change; it holds from then on."""

    name: Name = Field(_ABSENT, description="What you call it; visitors never see it.", examples=["PPP pricing"])
    enabled: Flag = Field(_ABSENT, description="Whether it gives anything.")
    groups: PromotionGroupsWrite = Field(_ABSENT, description="Replaced whole.")
    countries: list[CountryPercentageWrite] = Field(
        _ABSENT, max_length=300, description="What comes before a group's percentage; replaced whole."
    )
    restrictions: list[PromotionRestrictionWrite] = Field(
        _ABSENT, min_length=1, max_length=MAX_RESTRICTIONS, description="What it holds for; replaced whole."
    )
    banner: PromotionBannerWrite = Field(_ABSENT)
    security: PromotionSecurityWrite = Field(_ABSENT)

    def sent(self) -> dict[str, Any]:
        """Return what was sent, under the names of our own."""
        return _own(self)


class PromotionCreateRequest(PromotionUpdateRequest):
    """A promotion to create."""

    name: Name = Field(description="What you call it; visitors never see it.", examples=["PPP pricing"])
    restrictions: list[PromotionRestrictionWrite] = Field(
        min_length=1, max_length=MAX_RESTRICTIONS, description="What it holds for: products, or plans of them."
    )


def _own(body: PromotionUpdateRequest) -> dict[str, Any]:
    sent = body.model_fields_set
    values: dict[str, Any] = {"name": body.name} if "name" in sent else {}
    if "enabled" in sent:
        values["is_enabled"] = body.enabled
    if "groups" in sent:
        values["groups"] = body.groups.rates()
    if "countries" in sent:
        values["countries"] = {each.country: each.percentage for each in body.countries}
    if "restrictions" in sent:
        values["restrictions"] = [each.named() for each in body.restrictions]
    for name in ("banner", "security"):
        if name in sent:
            part: Body = getattr(body, name)
            values[name] = {setting: getattr(part, setting) for setting in part.model_fields_set}
    return values


class PromotionRestriction(Answer):
    """What a promotion holds for."""

    product: UUID
    plan: str | None = Field(description="The plan's identifier; null is all plans of the product.")


class CountryPercentage(Answer):
    """How much visitors of one country get off."""

    country: str
    percentage: Number


class PromotionBanner(Answer):
    """How the banner looks, and what it says."""

    country_message: str
    background_color: str
    background_transparency: int
    font_color: str
    highlight_font_color: str
    font_size: str
    border_radius: str
    placement: Placement
    add_close_icon: bool
    un_styled: bool


class PromotionProtection(Answer):
    """What keeps visitors from the discount."""

    vpn: bool
    tor: bool
    proxy: bool
    relay: bool
    crawler: bool
    strict_country_matching: bool


class ManagedPromotion(Answer):
    """A promotion."""

    id: UUID = Field(description="What your pages name as `promotion_id`.")
    name: str
    enabled: bool
    groups: dict[str, Number] = Field(description="By group of countries, those that get anything.")
    countries: list[CountryPercentage] = Field(description="What comes before a group's percentage.")
    restrictions: list[PromotionRestriction]
    banner: PromotionBanner
    security: PromotionProtection
    created_on: datetime
    modified_on: datetime


class PaginatedPromotions(ListAnswer):
    """One page of the promotions, newest first."""

    results: list[ManagedPromotion] = Field(description="The promotions of this page.")


class PromotionGroupsResponse(Answer):
    """Which countries are in which group."""

    groups: dict[str, list[str]]


class PromotionWidget(PromotionBanner):
    """The banner."""

    type: WidgetType


class PromotionSecurity(Answer):
    """What was noticed of the visitor; true is noticed."""

    vpn: bool
    tor: bool
    proxy: bool
    relay: bool
    crawler: bool


class PromotionResponse(Answer):
    """What a promotion has for a visitor."""

    country: str = Field(description="Where the visitor is; empty where nobody knows.")
    country_code: str
    percentage: Number = Field(description="How many hundredths they get off; 0 is nothing.")
    code: str = Field(description="What to type at checkout; empty where there is nothing.")
    message: str = Field(description="Always empty: the banner has its own.")
    widgets: list[PromotionWidget]
    security: PromotionSecurity


def promotion_answer(promotion: Promotion) -> dict[str, Any]:
    """Return a promotion as merchants see it."""
    return {
        "id": promotion.id,
        "name": promotion.name,
        "enabled": promotion.is_enabled,
        "groups": dict(promotion.groups),
        "countries": [
            {"country": country, "percentage": rate} for country, rate in sorted(promotion.countries.items())
        ],
        "restrictions": [{"product": each.product_id, "plan": each.plan} for each in promotion.restrictions],
        "banner": _camel(PromotionBanner, promotion.banner),
        "security": _camel(PromotionProtection, promotion.security),
        "createdOn": wire_instant(promotion.created_at),
        "modifiedOn": wire_instant(promotion.modified_at),
    }


def groups_answer() -> dict[str, Any]:
    """Return which countries are in which group."""
    return {"groups": {group: sorted(INCOME_GROUPS[group]) for group in IncomeGroup}}


def resolved_answer(resolved: Resolved) -> dict[str, Any]:
    """Return what a visitor gets."""
    code, country = resolved.code, resolved.country
    return {
        "country": "" if country is None else country_name(country),
        "countryCode": country or "",
        "percentage": 0 if code is None else code.percentage,
        "code": "" if code is None else code.code,
        "message": "",
        "widgets": [{"type": WidgetType.BANNER, **_camel(PromotionBanner, resolved.banner)}],
        "security": _camel(PromotionSecurity, resolved.flags),
    }


def country_name(code: str) -> str:
    """Return what a country is called in English."""
    territories = cast("dict[str, str]", _ENGLISH.territories)
    return territories.get(code, code)


_ENGLISH = Locale("en")


def _camel(kind: type[Answer], record: Banner | Security | Flags) -> dict[str, Any]:
    names: Sequence[str] = [each.name for each in fields(record)]
    return {str(kind.model_fields[name].alias): getattr(record, name) for name in names}
