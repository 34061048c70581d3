"""Offerings as the wire spells them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from babel.numbers import get_currency_symbol
from pydantic import Field

from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanEntitlement
from kelviq_server.catalog.prices.records import Charge, Component, Price, PriceType
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.platform.values import Number
from kelviq_server.platform.wire import Answer
from kelviq_server.subscriptions.offerings.records import HeldSubscription, OfferedPlan, Offering

_ABSENT: Any = None
_PERIODS = {
    ChargePeriod.ONE_TIME: "One Time",
    ChargePeriod.DAILY: "Daily",
    ChargePeriod.WEEKLY: "Weekly",
    ChargePeriod.TWENTY_EIGHT_DAYS: "Every 28 Days",
    ChargePeriod.MONTHLY: "Monthly",
    ChargePeriod.THREE_MONTHS: "Every 3 Months",
    ChargePeriod.SIX_MONTHS: "Every 6 Months",
    ChargePeriod.YEARLY: "Yearly",
}


class OfferedCharge(plans.PlanCharge):
    """What is charged each period."""

    id: UUID
    details: dict[str, Any]
    feature_quantity_price: Number | None = Field(description="What the smallest quantity costs; null for tiers.")


class FeaturePrice(Answer):
    """What a plan costs by itself."""

    id: UUID
    price_type: str
    free_trial: bool
    trial_period: int
    currency: str
    enabled: bool
    charges: list[OfferedCharge]


class OfferedFeature(Answer):
    """A feature that the plan grants."""

    id: UUID
    identifier: str
    name: str
    description: str
    display_name: str
    display_description: str
    feature_type: str
    details: dict[str, Any]
    is_archived: bool
    metadata: dict[str, Any]
    modified_on: datetime
    meter: dict[str, Any]
    feature_details: dict[str, Any]
    value: Any = Field(description="BOOLEAN: true or false. Else a number; null without a limit.")
    hard_limit: bool
    reset: str | None
    reset_time: str | None
    enabled: bool
    charges: list[OfferedCharge] | None = Field(description="What it costs besides; null where nothing.")


class ProductPlan(Answer):
    """A plan that is for sale."""

    name: str
    description: str
    identifier: str
    details: dict[str, Any]
    is_visible: bool
    metadata: dict[str, Any]
    base_plan: str | None
    price: FeaturePrice
    original_price: dict[str, Number] = Field(description="What the base price charges, by period.")
    features: list[OfferedFeature]
    should_highlight: bool
    enabled: bool
    display_name: str
    display_description: str
    includes: str


class OfferedSubscription(Answer):
    """What the customer has of the product; without one only that there is none."""

    has_previous_subscription: bool
    plan_identifier: str | None = _ABSENT
    subscription_id: UUID | None = _ABSENT
    charge_period: str | None = _ABSENT


class BillingPeriod(Answer):
    """A period in which something is sold."""

    charge_period: str
    enabled: bool
    display_name: str
    promo_caption: str
    default_selected: bool


class ProductOfferingResponse(Answer):
    """What somebody sees of a product."""

    organization_id: int
    country_code: str = Field(description="Where they are; empty where nobody knows.")
    pricing_locale: str = Field(description="How prices are spelled there.", examples=["en-US"])
    currency_code: str = Field(description="In which they see prices that are sold in it, or converted.")
    currency_symbol: str
    currency_conversion_rate: Number = Field(description="From the base currency, for showing alone.")
    base_currency_code: str
    base_currency_symbol: str
    plans: list[ProductPlan]
    subscription: OfferedSubscription
    is_customer_exists: bool
    billing_periods: list[BillingPeriod]


class OfferingErrorResponse(Answer):
    """Why there is no offering."""

    status: str
    message: str


def offering_answer(offering: Offering) -> dict[str, Any]:
    """Return what somebody sees of a product."""
    found = offering.found
    return {
        "organizationId": found.organization_id,
        "countryCode": offering.locale.country or "",
        "pricingLocale": offering.locale.tag,
        "currencyCode": offering.currency,
        "currencySymbol": _symbol(offering.currency),
        "currencyConversionRate": offering.rate,
        "baseCurrencyCode": found.currency,
        "baseCurrencySymbol": _symbol(found.currency),
        "plans": [_plan(offering, each) for each in offering.plans],
        "subscription": _subscription(found.subscription),
        "isCustomerExists": found.is_customer,
        "billingPeriods": [
            {
                "chargePeriod": period,
                "enabled": True,
                "displayName": _PERIODS[period],
                "promoCaption": "",
                "defaultSelected": False,
            }
            for period in offering.periods
        ],
    }


def _subscription(held: HeldSubscription | None) -> dict[str, Any]:
    if held is None:
        return {"hasPreviousSubscription": False}
    if not held.is_in_force:
        return {"hasPreviousSubscription": True}
    return {
        "hasPreviousSubscription": True,
        "planIdentifier": held.plan,
        "subscriptionId": held.id,
        "chargePeriod": held.charge_period,
    }


def _plan(offering: Offering, each: OfferedPlan) -> dict[str, Any]:
    version, price = each.version, each.price
    return {
        "name": version.name,
        "description": version.description,
        "identifier": version.identifier,
        "details": version.details,
        "isVisible": version.is_visible,
        "metadata": version.metadata,
        "basePlan": version.base_plan,
        "price": {
            "id": price.id,
            "priceType": price.price_type,
            "freeTrial": price.free_trial,
            "trialPeriod": price.trial_days,
            "currency": price.currency,
            "enabled": price.enabled,
            "charges": _charges(price, None),
        },
        "originalPrice": {
            charge["chargePeriod"]: charge["priceData"]["amount"]
            for charge in _charges(each.base, None)
            if "amount" in charge["priceData"]
        },
        "features": [_feature(offering, price, entitlement) for entitlement in version.granted],
        "shouldHighlight": False,
        "enabled": True,
        "displayName": version.name,
        "displayDescription": version.description,
        "includes": "",
    }


def _feature(offering: Offering, price: Price, entitlement: PlanEntitlement) -> dict[str, Any]:
    feature, details = offering.features[entitlement.feature_id], entitlement.details
    return {
        **plans.feature_answer(feature),
        "displayName": feature.name,
        "displayDescription": feature.description,
        "value": None if details.terms.has_unlimited_usage else details.value,
        "hardLimit": details.is_hard_limit,
        "reset": details.terms.reset,
        "resetTime": details.terms.reset_time,
        "enabled": True,
        "charges": _charges(price, feature.id) or None,
    }


def _charges(price: Price, feature_id: UUID | None) -> list[dict[str, Any]]:
    """Return what a price charges for a feature, or for the plan itself."""
    if price.price_type is PriceType.FREE:
        free = [] if feature_id is not None else price.periods
        return [_charge(price, None, Charge(period, Decimal(0))) for period in free]
    return [
        _charge(price, part, charge)
        for part in price.components
        if part.feature_id == feature_id
        for charge in part.charges
    ]


def _charge(price: Price, part: Component | None, charge: Charge) -> dict[str, Any]:
    least = max(charge.min_quantity or 1, 1) if part is not None and part.feature_id is not None else 1
    return {
        # Charges have no rows of their own: the same one has the same id.
        "id": uuid5(price.id, f"{part.feature_id if part else None} {charge.period}"),
        **plans.charge_answer(part, charge, price.currency),
        "details": {},
        "featureQuantityPrice": None if charge.amount is None else charge.amount * least,
    }


def _symbol(currency: str) -> str:
    return get_currency_symbol(currency, locale="en")
