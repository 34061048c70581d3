"""Plans as the wire spells them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Raw
from pydantic import Field

from kelviq_server.catalog.contents.schemas import (
    PlanFeatureEntitlement,
    PlanFileAnswer,
    entitlement_answer,
    plan_file_answer,
)
from kelviq_server.catalog.plans.records import (
    DurationUnit,
    License,
    Link,
    NewPlan,
    PlanFields,
    PlanVersion,
    Rollout,
    VersionState,
)
from kelviq_server.catalog.prices.schemas import PlanPrice, price_answer
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.operations import Parameter
from kelviq_server.platform.values import MAX_SMALL_INT, Between, FileKeys, Flag, Id, Slug, WebAddress
from kelviq_server.platform.wire import Answer, Body, Country, Description, FreeForm, Name, wire_instant

_ABSENT: Any = None
VERSION = Parameter("version", {"type": "integer"}, "Number of a version. The newest if not given.")


class LicenseWrite(Body):
    """Whether buyers get a licence key, and for how many machines and how long."""

    enabled: Flag = Field(_ABSENT, description="Whether each purchase gets a key.")
    activation_limit: Annotated[int, Between(1, MAX_SMALL_INT)] = Field(
        _ABSENT, description="On how many machines a key may be active."
    )
    activation_limit_enabled: Flag = Field(_ABSENT, description="Whether that is limited.")
    duration_unit: DurationUnit = Field(_ABSENT, description="What the duration is counted in.")
    duration_value: Annotated[int, Between(1, 10_000)] = Field(_ABSENT, description="How many of them a key is valid.")
    has_expiry: Flag = Field(_ABSENT, description="Whether a key expires.")


class PlanLink(Body):
    """An address that buyers get to see."""

    name: Name = Field(description="What it is called.", examples=["Private Discord community"])
    url: WebAddress = Field(description="The address.", examples=["https://example.com/product"])


class PlanUpdateRequest(Body):
    """Fields of a plan to change, and files to add."""

    name: Name = Field(_ABSENT, description="What people call the plan.", examples=["Pro Monthly (v2)"])
    description: Description = Field(_ABSENT, description="Shown on invoices and at checkout.")
    metadata: FreeForm = Field(_ABSENT, description="Key-value pairs of your own; replaced whole.")
    is_visible: Flag = Field(_ABSENT, description="Whether pricing pages show it.")
    license: LicenseWrite = Field(_ABSENT, description="Whether buyers get a licence key; settings not sent stay.")
    links: list[PlanLink] = Field(_ABSENT, max_length=100, description="Addresses for buyers; replaced whole.")
    file_keys: FileKeys = Field([], description="`fileKey`s of uploads to add to the plan's files.")
    ordering: Annotated[int, Between(-MAX_SMALL_INT, MAX_SMALL_INT)] | None = Field(
        None, description="Place among the product's plans."
    )

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        names = self.model_fields_set & set(PlanFields.__dataclass_fields__)
        values: dict[str, Any] = {name: getattr(self, name) for name in names}
        if "license" in values:
            values["license"] = {name: getattr(self.license, name) for name in self.license.model_fields_set}
        if "links" in values:
            values["links"] = tuple(Link(link.name, link.url) for link in self.links)
        return values


class PlanCreateRequest(PlanUpdateRequest):
    """A plan to create, as a draft."""

    name: Name = Field(description="What people call the plan.", examples=["Pro Monthly"])
    identifier: Slug = Field(
        _ABSENT, description="What your code calls it, in every version; made from the name if missing."
    )
    product: Id = Field(description="UUID of the product that it is a plan of.")

    def new_plan(self) -> NewPlan:
        """Return what the plan is made from."""
        sent = self.sent()
        license = replace(License(), **sent.pop("license", {}))
        return NewPlan(self.product, PlanFields(**sent, license=license), self.identifier)


class PlanPublishRequest(Body):
    """What publishing does for those who bought an earlier version."""

    update_features: Flag = Field(False, description="They get the new entitlements, from their next period on.")
    update_pricing: Flag = Field(False, description="They pay the new prices, from their next period on.")

    def rollout(self) -> Rollout:
        """Return what is to be done."""
        return Rollout(self.update_features, self.update_pricing)


class PlanRestoreRequest(Body):
    """What to bring back."""

    version: Annotated[int, Between(1, MAX_SMALL_INT)] | None = Field(
        None, description="The version to copy into a new draft."
    )


class PlanCountriesRequest(Body):
    """Where a plan may be bought."""

    countries: list[Country] = Field(max_length=300, description="ISO 3166-1 codes; none is everywhere.")


class LicenseConfig(Answer):
    """Whether buyers get a licence key, and for how many machines and how long."""

    enabled: bool
    activation_limit: int
    activation_limit_enabled: bool
    duration_unit: DurationUnit
    duration_value: int
    has_expiry: bool


class CatalogPlan(Answer):
    """A version of a plan."""

    identifier: str = Field(description="What your code calls the plan, in every version.")
    name: str = Field(description="What people call it.")
    description: str = Field(description="Shown on invoices and at checkout.")
    product: UUID = Field(description="UUID of its product.")
    metadata: dict[str, Any] = Field(description="The merchant's own key-value pairs.")
    version: int = Field(description="Number of this version.")
    is_latest: bool = Field(description="Whether this version is the one for sale.")
    modified_on: datetime = Field(description="When this version last changed.")
    created_on: datetime = Field(description="When this version was opened.")
    details: dict[str, Any] = Field(description="What the server knows about the plan besides.")
    is_visible: bool = Field(description="Whether pricing pages show it.")
    is_imported: bool = Field(description="Whether it came from another system.")
    is_archived: bool = Field(description="Whether it is out of the list.")
    countries: list[str] = Field(description="Where it may be bought; empty means everywhere.")
    license: LicenseConfig
    links: list[PlanLink] = Field(description="Addresses for buyers.")
    files: list[PlanFileAnswer] = Field(description="Files for buyers, in their order.")
    ordering: int | None = Field(description="Place among the product's plans.")
    base_plan: str | None = Field(description="Identifier of the plan whose entitlements it takes over.")
    prices: list[PlanPrice] = Field([], description="With `?include=prices`: its prices.")
    plan_entitlements: list[PlanFeatureEntitlement] = Field(
        [], description="With `?include=entitlements`: what it grants."
    )


class PaginatedPlans(ListAnswer):
    """One page of the plans, newest first."""

    results: list[CatalogPlan] = Field(description="The plans of this page, each in its newest version.")


class PlanVersionsResponse(ListAnswer):
    """One page of a plan's versions, newest first."""

    results: list[CatalogPlan] = Field(description="The versions of this page.")


class PlanPublishResponse(Answer):
    """That the plan is published."""

    status: str = Field(examples=["published"])


def plan_answer(
    version: PlanVersion, api_url: str, features: Mapping[UUID, Raw] | None = None, *, prices: bool = False
) -> dict[str, Any]:
    """Return a version of a plan as the API answers with it; what it grants, where the features are given."""
    answer: dict[str, Any] = {
        "identifier": version.identifier,
        "name": version.name,
        "description": version.description,
        "product": version.product_id,
        "metadata": version.metadata,
        "version": version.version,
        "isLatest": version.state is VersionState.PUBLISHED,
        "modifiedOn": wire_instant(version.modified_at),
        "createdOn": wire_instant(version.created_at),
        "details": version.details,
        "isVisible": version.is_visible,
        "isImported": False,
        "isArchived": version.is_archived,
        "countries": version.countries,
        "license": {
            "enabled": version.license.enabled,
            "activationLimit": version.license.activation_limit,
            "activationLimitEnabled": version.license.activation_limit_enabled,
            "durationUnit": version.license.duration_unit,
            "durationValue": version.license.duration_value,
            "hasExpiry": version.license.has_expiry,
        },
        "links": [{"name": link.name, "url": link.url} for link in version.links],
        "files": [plan_file_answer(file, version.identifier, api_url) for file in version.files],
        "ordering": version.ordering,
        "basePlan": version.base_plan,
    }
    if prices:
        answer["prices"] = [price_answer(price) for price in version.prices]
    if features is not None:
        answer["planEntitlements"] = [entitlement_answer(entitlement, features) for entitlement in version.granted]
    return answer
