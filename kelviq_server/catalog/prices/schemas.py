"""Prices as the wire spells them."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.catalog.prices.records import (
    Charge,
    Component,
    MeterTerms,
    NewPrice,
    PaymentType,
    Price,
    PriceType,
    Rollover,
    TaxBehavior,
    ThresholdType,
    UsageAlerts,
)
from kelviq_server.catalog.prices.rules import BY_AMOUNT
from kelviq_server.core.calendar import ChargePeriod, Reset, ResetTime
from kelviq_server.core.pricing import PriceModel, Tier
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import MAX_INT, Amount, Between, Currency, Flag, Id, Number
from kelviq_server.platform.wire import Answer, Body, empty_is_none, not_a_choice

MAX_TRIAL_DAYS = 730
ENDLESS = "inf"


def _period(value: Any) -> Any:
    return ChargePeriod.THREE_MONTHS if value == "QUARTERLY" else value


def _endless(value: Any) -> Any:
    """Take the two spellings of an upper bound that is none."""
    if value == ENDLESS:
        return None
    if isinstance(value, str):
        raise PydanticCustomError("bound", "{reason}", {"reason": not_a_choice(value)})
    return value


def _null_is_none_of_them(value: Any) -> Any:
    return [] if value is None else value


# QUARTERLY is another word for THREE_MONTHS.
Period = Annotated[
    ChargePeriod,
    BeforeValidator(_period),
    WithJsonSchema({"type": "string", "enum": [*(period.value for period in ChargePeriod), "QUARTERLY"]}),
]
Bound = Annotated[
    Annotated[int, Between(1, MAX_INT)] | None,
    BeforeValidator(_endless),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_INT}, {"const": ENDLESS}, {"type": "null"}]}
    ),
]
Percentage = Annotated[Amount, Field(le=100), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100})]


class PriceData(Body):
    """What FLAT and PACKAGE cost."""

    amount: Amount | None = Field(None, description="For each unit, or each block.", examples=[29])
    block_size: Annotated[int, Between(1, MAX_INT)] | None = Field(
        None, description="How many units a block of PACKAGE has."
    )


class TierWrite(Body):
    """A range of quantities and its price."""

    up_to: Bound = Field(description='The last quantity that belongs to it; "inf" or null for the last tier.')
    unit_amount: Amount | None = Field(None, description="For each unit.", examples=[1])
    flat_amount: Amount | None = Field(None, description="Besides, once.", examples=[0])

    def tier(self) -> Tier:
        """Return the tier."""
        return Tier(self.up_to, self.unit_amount or Decimal(0), self.flat_amount or Decimal(0))


class Quantities(Body):
    """How few and how many may be bought."""

    min_quantity: Annotated[int, Between(0, MAX_INT)] | None = Field(None, description="The fewest.")
    max_quantity: Annotated[int, Between(0, MAX_INT)] | None = Field(None, description="The most.")


class PlanChargeWrite(Body):
    """What is charged each period."""

    charge_period: Period = Field(description="How often it is charged.", examples=["MONTHLY"])
    price_data: PriceData = Field(
        PriceData.model_validate({}), description="FLAT: `{ amount }`. PACKAGE: `{ amount, block_size }`."
    )
    tiers: Annotated[
        # The first one at fault stands for all: a body may hold very many.
        list[TierWrite], Field(max_length=100, fail_fast=True), BeforeValidator(_null_is_none_of_them)
    ] = Field([], description="For TIERED, VOLUME and STAIRSTEP, ascending.")
    advanced: Annotated[Quantities, BeforeValidator(lambda value: {} if value is None else value)] = Field(
        Quantities.model_validate({}), description="`{ min_quantity, max_quantity }`, for FLAT prices of a feature."
    )

    def charge(self) -> Charge:
        """Return the charge."""
        return Charge(
            self.charge_period,
            self.price_data.amount,
            self.price_data.block_size,
            tuple(tier.tier() for tier in self.tiers),
            self.advanced.min_quantity,
            self.advanced.max_quantity,
        )


class RolloverWrite(Body):
    """How much of what was not used is carried into the next period."""

    enabled: Flag = Field(False, description="Whether anything is.")
    percentage: Percentage = Field(Decimal(100), description="How much of it, from 0 to 100.")
    limit: Annotated[int, Between(0, MAX_INT)] | None = Field(None, description="How many units at the most.")

    def rollover(self) -> Rollover:
        """Return the rollover."""
        return Rollover(self.enabled, self.percentage, self.limit)


class UsageAlertsWrite(Body):
    """At which usage `feature.usage_alert` is announced."""

    enabled: Flag = Field(False, description="Whether it is.")
    thresholds: list[Amount] = Field([], max_length=20, description="The usages; what they are `thresholdType` says.")
    threshold_type: ThresholdType = Field(
        ThresholdType.PERCENTAGE, description="PERCENTAGE of the limit (1-100), or BALANCE: a number of units."
    )

    def alerts(self) -> UsageAlerts:
        """Return the alerts."""
        return UsageAlerts(self.enabled, tuple(self.thresholds), self.threshold_type)


RolloverField = Annotated[RolloverWrite | None, BeforeValidator(empty_is_none)]
AlertsField = Annotated[UsageAlertsWrite | None, BeforeValidator(empty_is_none)]


class PlanChargeCatalogPriceWrite(Body):
    """What one feature costs, or, without a feature, the plan itself."""

    feature: Id | None = Field(None, description="UUID of the METER feature; none for the plan itself.")
    price_model: PriceModel = Field(PriceModel.FLAT, description="How the price grows with the quantity.")
    payment_type: PaymentType = Field(
        PaymentType.ADVANCE_COMMITMENT, description="Paid before it is used, or after (MONTHLY only)."
    )
    reset: Reset | None = Field(None, description="How often the meter begins again.")
    reset_time: ResetTime | None = Field(None, description="From where its periods are counted.")
    has_unlimited_usage: Flag = Field(False, description="Whether what is bought has no limit.")
    rollover: RolloverField = Field(None, description="What of the unused is carried over; ADVANCE_COMMITMENT only.")
    usage_alerts: AlertsField = Field(None, description="At which usage to tell.")
    charges: list[PlanChargeWrite] = Field(
        [], max_length=8, fail_fast=True, description="One for each period, at least one."
    )

    def component(self) -> Component:
        """Return the component."""
        terms = MeterTerms(
            self.reset or Reset.NEVER,
            self.reset_time,
            self.has_unlimited_usage,
            self.rollover and self.rollover.rollover(),
            self.usage_alerts.alerts() if self.usage_alerts else UsageAlerts(),
        )
        charges = tuple(charge.charge() for charge in self.charges)
        return Component(self.feature, self.price_model, self.payment_type, terms, charges)


class PlanPriceCreateRequest(Body):
    """A price of a plan."""

    price_type: PriceType = Field(description="Whether it costs something. FREE and CUSTOM have no charges.")
    currency: Currency | None = Field(None, description="The product's currency if missing.", examples=["USD"])
    free_trial: Flag = Field(False, description="Whether there is a trial.")
    trial_period: Annotated[int, Between(0, MAX_TRIAL_DAYS)] = Field(0, description="Length of the trial in days.")
    enabled: Flag = Field(True, description="Whether it is offered.")
    tax_behavior: TaxBehavior = Field(TaxBehavior.EXCLUSIVE, description="Whether the amounts have the tax in them.")
    charge_catalog_price: list[PlanChargeCatalogPriceWrite] = Field(
        [], max_length=100, description="What is charged for the plan itself and for each priced feature."
    )

    def new_price(self) -> NewPrice:
        """Return what the price is made from."""
        return NewPrice(
            price_type=self.price_type,
            currency=self.currency,
            free_trial=self.free_trial,
            trial_days=self.trial_period,
            enabled=self.enabled,
            tax_behavior=self.tax_behavior,
            components=tuple(entry.component() for entry in self.charge_catalog_price),
        )


class PlanPriceBulkRequest(Body):
    """All prices of a plan: they replace those it has."""

    prices: list[PlanPriceCreateRequest] = Field(max_length=200, description="One for each currency.")


class PlanTier(Answer):
    """A range of quantities and its price."""

    up_to: int | str = Field(
        description='The last quantity that belongs to it; "inf" for the last tier.',
        json_schema_extra={"anyOf": [{"type": "integer"}, {"const": ENDLESS}]},
    )
    unit_amount: Number = Field(description="For each unit.")
    flat_amount: Number = Field(description="Besides, once.")


class PlanCharge(Answer):
    """What is charged each period."""

    charge_period: ChargePeriod = Field(description="How often it is charged.")
    price_data: dict[str, Any] = Field(
        description="FLAT and PACKAGE: `{ amount, block_size? }`. The others: `{ currency }`."
    )
    tiers: list[PlanTier] = Field(description="Ascending ranges of quantities; none for FLAT and PACKAGE.")
    advanced: dict[str, Any] = Field(description="`{ min_quantity, max_quantity }` where given.")


class PlanChargeCatalogPrice(Answer):
    """What one feature costs, or the plan itself."""

    feature: UUID | None = Field(description="The feature's UUID; null for the plan itself.")
    price_model: PriceModel = Field(description="How the price grows with the quantity.")
    reset: Reset = Field(description="How often the meter begins again.")
    reset_time: str | None = Field(description="From where its periods are counted.")
    has_unlimited_usage: bool = Field(description="Whether what is bought has no limit.")
    payment_type: PaymentType = Field(description="Paid before it is used, or after.")
    rollover: dict[str, Any] = Field(description="`{ enabled, percentage, limit }` where given.")
    usage_alerts: "UsageAlertsAnswer" = Field(description="At which usage `feature.usage_alert` is announced.")
    charges: list[PlanCharge] = Field(description="One for each period.")


class UsageAlertsAnswer(Answer):
    """At which usage `feature.usage_alert` is announced."""

    enabled: bool = Field(description="Whether it is.")
    thresholds: list[Number] = Field(description="The usages.")
    threshold_type: ThresholdType = Field(description="What the thresholds are.")


class PlanPrice(Answer):
    """A price of a plan, in one currency."""

    id: UUID = Field(description="The price's UUID.")
    price_type: PriceType = Field(description="Whether it costs something.")
    currency: str = Field(description="ISO 4217 code.")
    free_trial: bool = Field(description="Whether there is a trial.")
    trial_period: int = Field(description="Length of the trial in days.")
    enabled: bool = Field(description="Whether it is offered.")
    tax_behavior: TaxBehavior = Field(description="Whether the amounts have the tax in them.")
    charge_catalog_price: list[PlanChargeCatalogPrice] = Field(description="What is charged, the base price first.")


class PlanPriceBulkResponse(Answer):
    """The prices that the plan has now."""

    prices: list[PlanPrice]


class PaginatedPlanPrices(ListAnswer):
    """One page of a plan's prices, the base price first."""

    results: list[PlanPrice] = Field(description="The prices of this page.")


def price_answer(price: Price) -> dict[str, Any]:
    """Return a price as the API answers with it."""
    return {
        "id": price.id,
        "priceType": price.price_type,
        "currency": price.currency,
        "freeTrial": price.free_trial,
        "trialPeriod": price.trial_days,
        "enabled": price.enabled,
        "taxBehavior": price.tax_behavior,
        "chargeCatalogPrice": [_component(component, price.currency) for component in price.components],
    }


def _component(component: Component, currency: str) -> dict[str, Any]:
    terms = component.terms
    return {
        "feature": component.feature_id,
        "priceModel": component.model,
        "reset": terms.reset,
        "resetTime": terms.reset_time,
        "hasUnlimitedUsage": terms.has_unlimited_usage,
        "paymentType": component.payment_type,
        "rollover": rollover_answer(terms.rollover),
        "usageAlerts": alerts_answer(terms.usage_alerts),
        "charges": [charge_answer(component, charge, currency) for charge in component.charges],
    }


def rollover_answer(rollover: Rollover | None) -> dict[str, Any]:
    """Return a rollover as the API answers with it; empty without one."""
    if rollover is None:
        return {}
    return {"enabled": rollover.enabled, "percentage": rollover.percentage, "limit": rollover.limit}


def alerts_answer(alerts: UsageAlerts) -> dict[str, Any]:
    """Return alerts as the API answers with them."""
    return {"enabled": alerts.enabled, "thresholds": list(alerts.thresholds), "thresholdType": alerts.threshold_type}


def charge_answer(component: Component | None, charge: Charge, currency: str) -> dict[str, Any]:
    """Return what is charged each period, as the API answers with it; without a component, for the plan itself."""
    if component is None or component.model in BY_AMOUNT:
        price_data: dict[str, Any] = {"amount": charge.amount}
        if charge.package_size is not None:
            price_data["block_size"] = charge.package_size
    else:
        price_data = {"currency": currency}
    advanced = {"min_quantity": charge.min_quantity, "max_quantity": charge.max_quantity}
    return {
        "chargePeriod": charge.period,
        "priceData": price_data,
        "tiers": [
            {
                "upTo": ENDLESS if tier.up_to is None else tier.up_to,
                "unitAmount": tier.unit_amount,
                "flatAmount": tier.flat_amount,
            }
            for tier in charge.tiers
        ],
        "advanced": {name: value for name, value in advanced.items() if value is not None},
    }
