"""Entitlements as the wire spells them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.entitlements.records import Access, NewOverride, Override
from kelviq_server.platform.values import Instant, exact_number
from kelviq_server.platform.wire import Answer, Body, Name, Text, wire_instant


def _value(value: Any) -> bool | Decimal | None:
    if value is None or isinstance(value, bool):
        return value
    number = exact_number(value)
    # Written alike, however it was sent.
    return Decimal(int(number)) if number == number.to_integral_value() else number


OverrideValue = Annotated[
    bool | Decimal | None,
    BeforeValidator(_value),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "number", "minimum": 0}, {"type": "null"}]}),
]
VALUE = "Of BOOLEAN, whether it is on; of CUSTOMIZABLE, the number; of METER, the limit, null for none."


class EntitlementDetail(Answer):
    """What a customer may do with a feature, by one of their subscriptions."""

    feature_id: str = Field(description="The feature's identifier.")
    has_access: bool = Field(description="Whether they may use it now.")
    feature_type: FeatureType = Field(description="BOOLEAN, CUSTOMIZABLE or METER.")
    reset_at: str | None = Field(description="When usage begins again, in UTC.", examples=["2025-05-22 08:27:45"])
    hard_limit: bool | None = Field(description="Of a METER: whether access ends at the limit.")
    usage_limit: int | None = Field(description="The limit, or of CUSTOMIZABLE the number; null where there is none.")
    current_usage: int | None = Field(description="Of a METER: what was used, and what reservations hold.")
    remaining: int | None = Field(description="What is left; less than nothing beyond a soft limit.")


class CheckEntitlementsResponse(Answer):
    """What a customer may do."""

    customer_id: str = Field(description="As it was sent.")
    entitlements: list[EntitlementDetail] = Field(description="One for each subscription and feature.")


class EntitlementOverrideRequest(Body):
    """What shall hold for one customer instead of what their subscriptions grant."""

    value: OverrideValue = Field(description=VALUE, examples=[50000])
    reason: Name = Field(description="Why, for yourself.", examples=["Migration weekend"])
    expires_at: Instant | None = Field(None, description="Until when it holds; null until it is taken back.")

    def new_override(self) -> NewOverride:
        """Return what shall hold."""
        return NewOverride(self.value, self.reason, self.expires_at)


class EntitlementOverrideResponse(Answer):
    """What holds for one customer instead of what their subscriptions grant."""

    customer_id: str = Field(description="Your own id of the customer.")
    feature_id: str = Field(description="The feature's identifier.")
    feature_type: FeatureType = Field(description="BOOLEAN, CUSTOMIZABLE or METER.")
    value: OverrideValue = Field(description=VALUE)
    reason: str = Field(description="As it was sent.")
    expires_at: datetime | None = Field(description="Until when it holds; null until it is taken back.")
    created_on: datetime = Field(description="Since when something holds for this customer.")
    modified_on: datetime = Field(description="When that last changed.")


class UsageResetRequest(Body):
    """That a customer shall have their whole quota again."""

    reason: Text | None = Field(None, description="Why, for yourself.", examples=["Our retries used it up"])


class UsageResetResponse(Answer):
    """That a customer has their whole quota again."""

    customer_id: str = Field(description="Your own id of the customer.")
    feature_id: str = Field(description="The feature's identifier.")
    previous_usage: int = Field(description="How much they had used of it in the current period.")


def override_answer(customer: str, override: Override) -> dict[str, Any]:
    """Return an override as the API answers with it."""
    return {
        "customerId": customer,
        "featureId": override.feature,
        "featureType": override.feature_type,
        "value": override.value,
        "reason": override.reason,
        "expiresAt": None if override.expires_at is None else wire_instant(override.expires_at),
        "createdOn": wire_instant(override.created_at),
        "modifiedOn": wire_instant(override.modified_at),
    }


def entitlements_answer(customer: str, accesses: Sequence[Access]) -> dict[str, Any]:
    """Return what a customer may do as the API answers with it."""
    return {
        "customerId": customer,
        "entitlements": [
            {
                "featureId": each.feature,
                "hasAccess": each.has_access,
                "featureType": each.feature_type,
                "resetAt": None if each.resets_at is None else _instant(each.resets_at),
                "hardLimit": each.is_hard,
                "usageLimit": each.limit,
                "currentUsage": each.used,
                "remaining": each.left,
            }
            for each in accesses
        ],
    }


def _instant(at: datetime) -> str:
    return at.isoformat(" ", "microseconds" if at.microsecond else "seconds").removesuffix("+00:00")
