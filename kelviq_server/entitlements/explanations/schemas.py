"""Explanations as the wire spells them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.entitlements.explanations.records import ExplainedGrant, Explanation
from kelviq_server.entitlements.records import Override
from kelviq_server.platform.values import Number
from kelviq_server.platform.wire import Answer, wire_instant
from kelviq_server.usage.allowances.records import NOTHING, Allowance


class ExplainedOverride(Answer):
    """What holds, or held, instead of what subscriptions grant."""

    value: bool | Number | None = Field(description="What it gives; of METER null without a limit.")
    reason: str = Field(description="Why, as it was sent.")
    expires_at: datetime | None = Field(description="Until when it holds; null until it is taken back.")
    in_force: bool = Field(description="False once it has expired.")


class ExplainedRollover(Answer):
    """What is carried over of what was not used."""

    percentage: Number
    limit: int | None


class ExplainedTerms(Answer):
    """On which terms a subscription grants a METER, without any override."""

    usage_limit: int | None = Field(description="In units a period; null without a limit.")
    hard_limit: bool = Field(description="Whether access ends at the limit.")
    reset: ChargePeriod | None = Field(description="How often usage begins again; null for never.")
    anchor: datetime | None = Field(description="From when periods are counted.")
    time_zone: str | None = Field(description="In which time zone.")
    rollover: ExplainedRollover | None = Field(description="What is carried over; null for nothing.")


class ExplainedPeriod(Answer):
    """The current period; null where usage never begins again."""

    start: datetime | None
    end: datetime | None


class ExplainedCounter(Answer):
    """What was used in the current period."""

    used: int = Field(description="What was counted.")
    held: int = Field(description="What reservations hold.")
    carried: int = Field(description="What was carried over from the period before, which may be used besides.")


class ExplainedEntitlement(Answer):
    """What one subscription gives, or an override alone, and what led to that."""

    subscription_id: UUID | None = Field(description="Null where an override alone grants it.")
    plan_identifier: str | None = Field(description="The identifier of its plan.")
    plan_name: str | None = Field(description="What the plan is called.")
    plan_version: int | None = Field(description="The plan's version that holds for it.")
    granted_on: datetime | None = Field(description="When the subscription began to grant.")
    ends_at: datetime | None = Field(description="When it ends, where that is known.")
    value: bool | Number | None = Field(description="What the plan gives of BOOLEAN and CUSTOMIZABLE.")
    terms: ExplainedTerms | None = Field(description="Of a METER that a subscription grants.")
    period: ExplainedPeriod | None = Field(description="Of a METER.")
    counter: ExplainedCounter | None = Field(description="Of a METER.")
    usage_limit: int | None = Field(description="How much may be used in all, with what was carried over.")
    remaining: int | None = Field(description="What is left of that; null without a limit.")
    has_access: bool = Field(description="Whether it gives access.")
    rule: str = Field(description="What led to that.", examples=["The plan sets the limit, and 7 of 10 are left."])


class ExplainEntitlementResponse(Answer):
    """Whether a customer may use a feature, and what led to that."""

    customer_id: str = Field(description="As it was sent.")
    feature_id: str = Field(description="As it was sent.")
    feature_type: FeatureType | None = Field(description="Null where there is no such customer or feature.")
    has_access: bool = Field(description="Whether they may use it now.")
    rule: str = Field(description="What led to that.", examples=["None of their plans grants the feature."])
    override: ExplainedOverride | None = Field(description="What holds, or held, for this customer alone.")
    entitlements: list[ExplainedEntitlement] = Field(description="One for each subscription that grants it.")


def explanation_answer(customer: str, feature: str, explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as the API answers with it."""
    return {
        "customerId": customer,
        "featureId": feature,
        "featureType": explanation.feature_type,
        "hasAccess": explanation.has_access,
        "rule": explanation.rule,
        "override": _override(explanation.override, in_force=explanation.is_override_in_force),
        "entitlements": [_grant(each) for each in explanation.grants],
    }


def _override(override: Override | None, *, in_force: bool) -> dict[str, Any] | None:
    if override is None:
        return None
    expires_at = _instant(override.expires_at)
    return {"value": override.value, "reason": override.reason, "expiresAt": expires_at, "inForce": in_force}


def _grant(explained: ExplainedGrant) -> dict[str, Any]:
    access, entry, grant, _, allowance = explained.judgement
    version, counter = explained.version, explained.counter
    return {
        "subscriptionId": None if grant is None else str(grant.subscription_id),
        "planIdentifier": None if version is None else version.identifier,
        "planName": None if version is None else version.name,
        "planVersion": None if version is None else version.version,
        "grantedOn": None if grant is None else _instant(grant.granted_at),
        "endsAt": None if grant is None else _instant(grant.ends_at),
        "value": None if grant is None else entry.value,
        "terms": None if allowance is None or allowance.lineage_id == NOTHING else _terms(allowance),
        "period": None
        if counter is None
        else {"start": _instant(counter.span.start), "end": _instant(counter.span.end)},
        "counter": None
        if counter is None
        else {"used": counter.used, "held": counter.held, "carried": counter.carried},
        "usageLimit": access.limit,
        "remaining": access.left,
        "hasAccess": access.has_access,
        "rule": explained.rule,
    }


def _terms(allowance: Allowance) -> dict[str, Any]:
    carry = {"percentage": allowance.carry_percentage, "limit": allowance.carry_limit}
    return {
        "usageLimit": allowance.usage_limit,
        "hardLimit": allowance.is_hard,
        "reset": allowance.every,
        "anchor": _instant(allowance.anchor_at),
        "timeZone": allowance.time_zone,
        "rollover": None if allowance.carry_percentage is None else carry,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else wire_instant(at)
