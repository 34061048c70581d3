"""What a catalog consists of, as a file says it.

The names are those of the API and of Kelviq's own configuration file. What is left out has the server's default, so
that two catalogs say the same exactly when their records are equal.
"""

from collections.abc import Collection
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from kelviq_server.core.calendar import ChargePeriod, Reset, ResetTime
from kelviq_server.core.pricing import PriceModel
from kelviq_server.platform.json_body import fault
from kelviq_server.platform.settings import SLIP_RATIO
from kelviq_server.platform.values import MAX_INT, Amount, Between, Currency, Flag, Slug, WebAddress
from kelviq_server.platform.wire import Description, Name

# Validation of what a server answers: there, what is unknown is left out and null is nothing.
ANSWER = {"answer": True}
MAX_COUNT = 2**31 - 1
MAX_TRIAL_DAYS = 730

TaxCode = Literal[
    "saas", "saas_business", "software", "videocontent", "informationservice", "ebook", "digitalgraphic", "videogame",
    "eservice", "training",
]  # fmt: skip


def _free_form(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PydanticCustomError("object", "keys and values are expected")
    if found := fault(value):
        raise PydanticCustomError("free_form", "{found}", {"found": found})
    return cast("dict[str, Any]", value)


def _value(value: Any) -> bool | Decimal | None:
    if value is None or isinstance(value, bool | Decimal):
        return value
    if isinstance(value, int):
        return Decimal(value)
    raise PydanticCustomError("value", "true, false or a number is expected")


def _bound(value: Any) -> Any:
    return "inf" if value is None else value


def _period(value: Any) -> Any:
    return ChargePeriod.THREE_MONTHS if value == "QUARTERLY" else value


FreeForm = Annotated[dict[str, Any], PlainValidator(_free_form)]
Count = Annotated[int, Between(0, MAX_INT)]


def near_name(name: str, names: Collection[str], *, is_sure: bool = False) -> str | None:
    """Return which of these names was probably meant, if any; to be sure, it must be nearly the same."""
    folded = {each.lower().replace("_", "").replace("-", ""): each for each in names}
    typed = name.lower().replace("_", "").replace("-", "")
    close = get_close_matches(typed, folded, 1, SLIP_RATIO) if is_sure else get_close_matches(typed, folded, 1)
    return folded[close[0]] if close else None


class Part(BaseModel):
    """A part of a catalog: names in camelCase, no others."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, use_enum_values=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            raise PydanticCustomError("object", "keys and values are expected")
        given = cast("dict[str, Any]", value)
        names = cls.names()
        is_open = cls.model_config.get("extra") == "allow"
        if info.context == ANSWER:
            own = {name: each for name, each in given.items() if is_open and name not in names}
            return {name: each for name, each in given.items() if name in names and each is not None} | own
        for name in given:
            if name not in names and (near := near_name(str(name), names, is_sure=is_open)) is not None:
                raise PydanticCustomError("slip", "there is no such key; did you mean {near}?",
                                          {"name": name, "near": near})  # fmt: skip
        return given

    @classmethod
    def names(cls) -> dict[str, None]:
        """Return the keys that it may have."""
        found: dict[str, None] = {}
        for name, field in cls.model_fields.items():
            choices = field.validation_alias
            many = choices.choices if isinstance(choices, AliasChoices) else [field.alias or name]
            found.update({str(each): None for each in many})
        return found

    def minimal(self) -> dict[str, Any]:
        """Return what differs from the defaults, by the names of the file."""
        return self.model_dump(by_alias=True, exclude_defaults=True)


class CatalogProduct(Part):
    """A product, with the currency of its settings."""

    identifier: Slug
    name: Name
    tax_code: TaxCode
    description: Description = ""
    currency: Currency = "USD"


class CatalogFeature(Part):
    """A feature. Its type, details and meter never change."""

    identifier: Slug
    name: Name
    type: Literal["BOOLEAN", "CUSTOMIZABLE", "METER"]
    description: Description = ""
    feature_details: FreeForm = {}
    meter: FreeForm = {}
    metadata: FreeForm = {}


class CatalogRollover(Part):
    """How much of what was not used is carried over."""

    enabled: Flag = False
    percentage: Annotated[Amount, Field(le=100)] = Decimal(100)
    limit: Count | None = None


class CatalogAlerts(Part):
    """At which usage to tell."""

    enabled: Flag = False
    thresholds: tuple[Amount, ...] = ()
    threshold_type: Literal["PERCENTAGE", "BALANCE"] = "PERCENTAGE"


def _switched_on(rollover: CatalogRollover | None) -> CatalogRollover | None:
    return None if rollover == CatalogRollover() else rollover


Rollover = Annotated[CatalogRollover | None, AfterValidator(_switched_on)]


class CatalogEntitlement(Part):
    """That a plan grants a feature, on which terms. Further keys are the merchant's own."""

    model_config = ConfigDict(extra="allow")

    feature: Slug
    value: Annotated[bool | Decimal | None, PlainValidator(_value)] = None
    has_unlimited_usage: Flag = False
    reset: Reset = Reset.NEVER
    reset_time: ResetTime | None = None
    hard_limit: Flag = False
    rollover: Rollover = None
    usage_alerts: CatalogAlerts = CatalogAlerts()

    @model_validator(mode="after")
    def _own_keys(self) -> "CatalogEntitlement":
        _free_form(self.model_extra or {})
        return self


class CatalogTier(Part):
    """A range of quantities up to a bound, and what it costs."""

    up_to: Annotated[Annotated[int, Between(1, MAX_INT)] | Literal["inf"], BeforeValidator(_bound)]
    unit_amount: Amount = Decimal(0)
    flat_amount: Amount = Decimal(0)

    @model_validator(mode="before")
    @classmethod
    def _endless(cls, value: Any) -> Any:
        """An answer may say null for the bound that is none."""
        if isinstance(value, dict) and "upTo" in value:
            tier = cast("dict[str, Any]", value)
            return {**tier, "upTo": _bound(tier["upTo"])}
        return cast("Any", value)


class CatalogAmount(Part):
    """What FLAT and PACKAGE cost."""

    amount: Amount | None = None
    block_size: Annotated[int, Between(1, MAX_INT)] | None = Field(
        default=None, validation_alias=AliasChoices("block_size", "blockSize"), serialization_alias="block_size"
    )


class CatalogQuantities(Part):
    """How few and how many may be bought."""

    min_quantity: Count | None = Field(
        default=None, validation_alias=AliasChoices("min_quantity", "minQuantity"), serialization_alias="min_quantity"
    )
    max_quantity: Count | None = Field(
        default=None, validation_alias=AliasChoices("max_quantity", "maxQuantity"), serialization_alias="max_quantity"
    )


class CatalogCharge(Part):
    """What is charged each period."""

    charge_period: Annotated[ChargePeriod, BeforeValidator(_period)]
    price_data: CatalogAmount = CatalogAmount()
    tiers: tuple[CatalogTier, ...] = ()
    advanced: CatalogQuantities = CatalogQuantities()


class CatalogComponent(Part):
    """What one feature costs, or, without a feature, the plan itself."""

    feature: Slug | None = None
    price_model: PriceModel = PriceModel.FLAT
    payment_type: Literal["ADVANCE_COMMITMENT", "PAY_AS_YOU_GO"] = "ADVANCE_COMMITMENT"
    reset: Reset = Reset.NEVER
    reset_time: ResetTime | None = None
    has_unlimited_usage: Flag = False
    rollover: Rollover = None
    usage_alerts: CatalogAlerts = CatalogAlerts()
    charges: tuple[CatalogCharge, ...] = ()


class CatalogPrice(Part):
    """A price, in the product's currency unless it names another."""

    price_type: Literal["FREE", "PAID", "CUSTOM"]
    currency: Currency | None = None
    free_trial: Flag = False
    trial_period: Annotated[int, Between(0, MAX_TRIAL_DAYS)] = 0
    enabled: Flag = True
    tax_behavior: Literal["INCLUSIVE", "EXCLUSIVE", "UNSPECIFIED"] = "EXCLUSIVE"
    charge_catalog_price: tuple[CatalogComponent, ...] = ()


class CatalogLicense(Part):
    """Whether buyers get a licence key, and for how many machines and how long."""

    enabled: Flag = False
    activation_limit: Annotated[int, Between(1, MAX_COUNT)] = 1
    activation_limit_enabled: Flag = False
    duration_unit: Literal["DAY", "MONTH", "YEAR"] = "YEAR"
    duration_value: Annotated[int, Between(1, 10_000)] = 1
    has_expiry: Flag = False


class CatalogLink(Part):
    """An address that buyers get to see."""

    name: Name
    url: WebAddress


class CatalogPlan(Part):
    """A plan. Without `entitlements` or `prices`, those that it has are left alone."""

    identifier: Slug
    name: Name
    product: Slug
    description: Description = ""
    is_visible: Flag = True
    ordering: Annotated[int, Between(-MAX_COUNT, MAX_COUNT)] | None = None
    base_plan: Slug | None = None
    license: CatalogLicense = CatalogLicense()
    links: tuple[CatalogLink, ...] = ()
    metadata: FreeForm = {}
    entitlements: tuple[CatalogEntitlement, ...] | None = None
    prices: tuple[CatalogPrice, ...] | None = None


class Catalog(Part):
    """Everything that is sold."""

    products: tuple[CatalogProduct, ...] = ()
    features: tuple[CatalogFeature, ...] = ()
    plans: tuple[CatalogPlan, ...] = ()
