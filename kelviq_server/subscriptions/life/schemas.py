"""Subscriptions as the wire spells them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import Field

from kelviq_server.billing.orders.records import BillingType
from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.money import to_amount
from kelviq_server.entitlements.license_keys import steps as licenses
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import currency_exponents
from kelviq_server.platform.wire import Answer, wire_instant
from kelviq_server.subscriptions.life import rules
from kelviq_server.subscriptions.life.records import (
    CancellationFeedback,
    CancellationReason,
    Subscription,
    WholeSubscription,
)

# How many of which unit a charge period has.
RECURRENCES = {
    ChargePeriod.DAILY: (1, "DAY"),
    ChargePeriod.WEEKLY: (1, "WEEK"),
    ChargePeriod.TWENTY_EIGHT_DAYS: (28, "DAY"),
    ChargePeriod.MONTHLY: (1, "MONTH"),
    ChargePeriod.THREE_MONTHS: (3, "MONTH"),
    ChargePeriod.SIX_MONTHS: (6, "MONTH"),
    ChargePeriod.YEARLY: (1, "YEAR"),
}
# Of whole numbers that the official clients read; more than any limit is none.
_MAX_VALUE = 2**63 - 1


class SubscriptionPlan(Answer):
    """The plan that was bought."""

    name: str
    identifier: str


class SubscriptionFeature(Answer):
    """A feature that the plan grants, and how much of it."""

    id: UUID
    identifier: str
    name: str
    description: str
    feature_type: FeatureType
    details: dict[str, Any]
    is_archived: bool
    metadata: dict[str, Any]
    modified_on: datetime
    meter: dict[str, Any]
    feature_details: dict[str, Any]
    reset: str | None = Field(description="METER: how often usage begins again.")
    reset_time: str | None
    value: int | None = Field(
        description="The quantity that was bought, else the plan's number; 1 or 0 of a BOOLEAN; null without a limit.",
    )
    hard_limit: bool


class SubscriptionState(Answer):
    """What all answers about a subscription have."""

    id: UUID = Field(description="The record's UUID. An update makes a new record.")
    start_date: date = Field(description="The day on which the subscription began, in UTC.")
    end_date: date | None = Field(description="The day on which it ended, or is to end.")
    billing_period_start_time: datetime | None
    billing_period_end_time: datetime | None = Field(description="When it is renewed; of a trial, when that ends.")
    amount: str = Field(description="What a period costs, before discounts and taxes.", examples=["261.00"])
    recurrence: str = Field(description="Empty of what is bought once.", examples=["month"])
    currency: str
    status: str = Field(
        description="`incomplete`, `incomplete_expired`, `trialing`, `active`, `past_due`, `canceled` or `superseded`."
    )
    plan: SubscriptionPlan
    features: list[SubscriptionFeature] = Field(description="What the plan grants.")
    trial_days_remaining: int
    customer_id: str = Field(description="Your own id of the customer.")
    billing_type: BillingType
    recurrence_unit: int | None
    recurrence_type: str | None = Field(examples=["MONTH"])
    files: list[plans.PlanFileAnswer] = Field(description="Files that come with the plan.")
    links: list[plans.PlanLink] = Field(description="Addresses that come with the plan.")
    license: list[licenses.LicenseAnswer] = Field(description="Licences that came with it.")


class SubscriptionResponse(SubscriptionState):
    """A subscription."""

    external_subscription_id: str = Field(description="The same for all records of a subscription.")
    product: str = Field(description="The product's name.")
    canceled_at: datetime | None = Field(description="When it was cancelled, which may be before it ends.")
    cancellation_reason: CancellationReason | None = Field(description="Who cancelled it.")
    cancellation_feedback: CancellationFeedback | None
    cancellation_comment: str | None


class SubscriptionListResponse(ListAnswer):
    """One page of the subscriptions, newest first."""

    results: list[SubscriptionResponse] = Field(description="The subscriptions of this page.")


class SubscriptionProduct(Answer):
    """The product that was bought."""

    name: str
    id: UUID
    identifier: str


class CreateSubscriptionResponse(SubscriptionState):
    """A subscription that was created."""

    product: SubscriptionProduct


def recurrence_text(period: ChargePeriod) -> str | None:
    """Return how often a subscription comes round, as webhooks have it: `1 month`."""
    if period is ChargePeriod.ONE_TIME:
        return None
    unit, kind = RECURRENCES[period]
    return f"{unit} {kind.lower()}{'s' if unit > 1 else ''}"


def recurrence_of(period: ChargePeriod) -> str:
    """Return how often a subscription comes round, as answers have it: `month`, `3 months`, or nothing."""
    return (recurrence_text(period) or "").removeprefix("1 ")


def subscription_answer(whole: WholeSubscription, now: datetime, api_url: str) -> dict[str, Any]:
    """Return a subscription as the API answers with it."""
    each = whole.subscription
    return {
        **_state(whole, now, api_url),
        "externalSubscriptionId": str(each.lineage_id),
        "product": whole.product.name,
        "canceledAt": _instant(each.canceled_at),
        "cancellationReason": each.cancellation_reason,
        "cancellationFeedback": each.cancellation_feedback,
        "cancellationComment": each.cancellation_comment,
    }


def created_answer(whole: WholeSubscription, now: datetime, api_url: str) -> dict[str, Any]:
    """Return a subscription as its creation answers with it."""
    product = whole.product
    described = {"name": product.name, "id": product.id, "identifier": product.identifier}
    return {**_state(whole, now, api_url), "product": described}


def recurring_state(each: Subscription, now: datetime) -> dict[str, Any]:
    """Return what answers say about a subscription's periods."""
    unit, kind = RECURRENCES.get(each.charge_period, (None, None))
    return {
        "id": each.id,
        "startDate": each.started_at.date(),
        "endDate": None if each.ends_at is None else each.ends_at.date(),
        "billingPeriodStartTime": _instant(each.period_start),
        "billingPeriodEndTime": _instant(each.period_end),
        "amount": str(to_amount(each.amount_units, currency_exponents()[each.currency])),
        "recurrence": recurrence_of(each.charge_period),
        "currency": each.currency,
        "status": each.status,
        "trialDaysRemaining": rules.trial_days_remaining(each, now),
        "billingType": each.billing_type,
        "recurrenceUnit": unit,
        "recurrenceType": kind,
    }


def _state(whole: WholeSubscription, now: datetime, api_url: str) -> dict[str, Any]:
    version = whole.version
    return {
        **recurring_state(whole.subscription, now),
        "plan": {"name": version.name, "identifier": version.identifier},
        "features": _features(whole),
        "customerId": whole.customer.external_id,
        "files": [plans.plan_file_answer(file, version.identifier, api_url) for file in version.files],
        "links": [{"name": link.name, "url": link.url} for link in version.links],
        "license": [licenses.license_answer(each) for each in whole.licenses],
    }


def _features(whole: WholeSubscription) -> list[dict[str, Any]]:
    bought = {feature.identifier: feature.quantity for feature in whole.subscription.features}
    answers: list[dict[str, Any]] = []
    for entitlement in whole.version.granted:
        feature, details = whole.features[entitlement.feature_id], entitlement.details
        is_meter = feature.feature_type is FeatureType.METER
        value = bought.get(feature.identifier, None if details.terms.has_unlimited_usage else details.value)
        answers.append(
            {
                **plans.feature_answer(feature),
                "reset": details.terms.reset if is_meter else None,
                "resetTime": details.terms.reset_time if is_meter else None,
                "value": _whole(value),
                "hardLimit": details.is_hard_limit,
            }
        )
    return answers


def _whole(value: bool | int | Decimal | None) -> int | None:
    return None if value is None else max(min(int(value), _MAX_VALUE), -_MAX_VALUE)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else wire_instant(at)
