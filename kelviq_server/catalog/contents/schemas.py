"""What a plan holds besides prices, as the wire spells it: entitlements and files."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from msgspec import Raw
from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.features.schemas import CatalogFeature, feature_answer
from kelviq_server.catalog.plans.records import EntitlementDetails, NewEntitlement, PlanEntitlement, PlanFile
from kelviq_server.catalog.prices.records import UsageAlerts
from kelviq_server.catalog.prices.schemas import (
    AlertsField,
    RolloverField,
    UsageAlertsAnswer,
    alerts_answer,
    rollover_answer,
)
from kelviq_server.core.calendar import Reset, ResetTime
from kelviq_server.platform.json_body import dump, parse
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import MAX_SMALL_INT, Between, Flag, Id, Slug, exact_number
from kelviq_server.platform.wire import Answer, Body, Name, OpenBody

_ABSENT: Any = None


def _value(value: Any) -> bool | Decimal | None:
    if value is None or isinstance(value, bool):
        return value
    if not isinstance(value, int | Decimal):
        raise PydanticCustomError("value", "A valid boolean or number is required.")
    number = exact_number(value)
    # 5.0 is 5.
    return Decimal(int(number)) if number == number.to_integral_value() else number


class PlanEntitlementDetailsWrite(OpenBody):
    """On which terms a plan grants a feature. Keys of your own are kept as they come."""

    value: Annotated[
        bool | Decimal | None,
        PlainValidator(_value),
        WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "number"}, {"type": "null"}]}),
    ] = Field(None, description="BOOLEAN: whether it is on. CUSTOMIZABLE: a number. METER: the limit.")
    has_unlimited_usage: Flag = Field(False, description="METER and CUSTOMIZABLE: there is no limit.")
    reset: Reset | None = Field(None, description="METER: how often usage begins again.")
    reset_time: ResetTime | None = Field(None, description="METER: from where its periods are counted.")
    rollover: RolloverField = Field(None, description="METER: what of the unused is carried over.")
    usage_alerts: AlertsField = Field(None, description="METER: at which usage to tell.")
    hard_limit: Flag = Field(False, description="METER: whether access ends at the limit.")
    is_inherited: Flag = Field(
        False, description="As it was read: where the base plan grants it on just these terms, it stays inherited."
    )
    is_value_overridden: Flag = Field(False, description="As it was read.")

    def over(self, old: EntitlementDetails) -> EntitlementDetails:
        """Return the terms with what was sent in place of what was."""
        sent = self.model_fields_set
        terms = {name: getattr(self, name) for name in sent & {"reset_time", "has_unlimited_usage"}}
        if "reset" in sent:
            terms["reset"] = self.reset or Reset.NEVER
        if "rollover" in sent:
            terms["rollover"] = self.rollover and self.rollover.rollover()
        if "usage_alerts" in sent:
            terms["usage_alerts"] = self.usage_alerts.alerts() if self.usage_alerts else UsageAlerts()
        return EntitlementDetails(
            self.value if "value" in sent else old.value,
            replace(old.terms, **terms),
            self.hard_limit if "hard_limit" in sent else old.is_hard_limit,
            self._extra_over(parse(old.extra.encode())),
        )

    def _extra_over(self, old: dict[str, Any]) -> str:
        """Return the merchant's own keys with those that were sent; one that was there goes by null."""
        sent = self.model_extra or {}
        kept = {name: value for name, value in old.items() if name not in sent}
        return dump(kept | {name: value for name, value in sent.items() if name not in old or value is not None})


class PlanFeatureEntitlementWrite(Body):
    """A feature that a plan is to grant."""

    feature: Id = Field(description="UUID of the feature.")
    details: PlanEntitlementDetailsWrite = Field(description="On which terms.")

    def new_entitlement(self) -> NewEntitlement:
        """Return the feature with its terms."""
        details = self.details
        is_as_inherited = details.is_inherited and not details.is_value_overridden
        return NewEntitlement(self.feature, details.over(EntitlementDetails()), is_as_inherited)


class PlanFeaturesCreateRequest(Body):
    """Features that a plan is to grant besides."""

    plan_entitlements: list[PlanFeatureEntitlementWrite] = Field(max_length=500, description="The entitlements to add.")

    def entitlements(self) -> list[NewEntitlement]:
        """Return the features with their terms."""
        return [entry.new_entitlement() for entry in self.plan_entitlements]


class PlanFeaturesBulkUpdateRequest(PlanFeaturesCreateRequest):
    """All entitlements of a plan: they replace those it has."""

    base_plan: Slug | None = Field(
        None, description="Identifier of the plan whose entitlements it takes over; stays as it is if not sent."
    )


class PlanFeaturePatchRequest(Body):
    """What to change about the terms on which a plan grants a feature."""

    details: PlanEntitlementDetailsWrite = Field(description="The terms to change; those not sent stay.")


class PlanFileUpdateRequest(Body):
    """What is shown of a file; for other contents upload another file."""

    name: Name = Field(_ABSENT, description="Display name.", examples=["Plan Terms (v2).pdf"])
    ordering: Annotated[int, Between(-MAX_SMALL_INT, MAX_SMALL_INT)] = Field(
        _ABSENT, description="Place in the list.", examples=[1]
    )
    enabled: Flag = Field(_ABSENT, description="Whether buyers may download it.")

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class PlanFileAnswer(Answer):
    """A file that buyers of a plan may download."""

    id: UUID = Field(description="The file's UUID, the same in every version of the plan.")
    name: str = Field(description="Display name.")
    file: str = Field(description="Address of the file.", json_schema_extra={"format": "uri"})
    ordering: int = Field(description="Place in the list.")
    enabled: bool = Field(description="Whether buyers may download it.")
    download_url: str = Field(description="Address to download it from.", json_schema_extra={"format": "uri"})


class PlanEntitlementDetails(Answer):
    """On which terms a plan grants a feature; besides, the merchant's own keys."""

    value: bool | Decimal | None = Field(
        description="On or off, or the number; null for unlimited usage.",
        json_schema_extra={"anyOf": [{"type": "boolean"}, {"type": "number"}, {"type": "null"}]},
    )
    has_unlimited_usage: bool = Field(description="There is no limit.")
    reset: Reset = Field(description="How often usage begins again.")
    reset_time: str | None = Field(description="From where its periods are counted.")
    rollover: dict[str, Any] = Field(description="What of the unused is carried over.")
    usage_alerts: UsageAlertsAnswer = Field(description="At which usage to tell.")
    hard_limit: bool = Field(description="Whether access ends at the limit.")
    is_inherited: bool = Field(description="Whether the base plan grants it.")
    is_value_overridden: bool = Field(description="Whether it does so on other terms.")


class PlanFeatureEntitlement(Answer):
    """A feature that a plan grants, and on which terms."""

    feature: CatalogFeature
    details: PlanEntitlementDetails


class PaginatedPlanFeatureEntitlements(ListAnswer):
    """One page of what a plan grants."""

    results: list[PlanFeatureEntitlement] = Field(description="The entitlements of this page.")


def plan_file_answer(file: PlanFile, identifier: str, api_url: str) -> dict[str, Any]:
    """Return a file of a plan as the API answers with it."""
    address = f"{api_url}/catalog/plans/{identifier}/file/{file.id}/download/"
    return {
        "id": file.id,
        "name": file.name,
        "file": address,
        "ordering": file.ordering,
        "enabled": file.enabled,
        "downloadUrl": address,
    }


def feature_answers(features: Mapping[UUID, Feature]) -> dict[UUID, Raw]:
    """Return the features as the API answers with them, by id: written once, however many plans grant them."""
    return {id: Raw(dump(feature_answer(feature)).encode()) for id, feature in features.items()}


def entitlement_answer(entitlement: PlanEntitlement, features: Mapping[UUID, Raw]) -> dict[str, Any]:
    """Return an entitlement as the API answers with it, the merchant's own keys among the API's."""
    details = entitlement.details
    return {
        "feature": features[entitlement.feature_id],
        "details": {
            **(parse(details.extra.encode()) if details.extra != "{}" else {}),
            "value": details.value,
            "hasUnlimitedUsage": details.terms.has_unlimited_usage,
            "reset": details.terms.reset,
            "resetTime": details.terms.reset_time,
            "rollover": rollover_answer(details.terms.rollover),
            "usageAlerts": alerts_answer(details.terms.usage_alerts),
            "hardLimit": details.is_hard_limit,
            "isInherited": entitlement.is_inherited,
            "isValueOverridden": entitlement.is_value_overridden,
        },
    }
