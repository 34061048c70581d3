"""What may happen to a plan, and what its entitlements may be."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from kelviq_server.catalog.features.records import Feature, FeatureType
from kelviq_server.catalog.plans.errors import (
    BaseNotPublished,
    CurrencyMissing,
    NoGateway,
    PlanArchived,
    PlanPublished,
    PlanWithoutPrice,
    PriceWithoutCharges,
    VersionFixed,
)
from kelviq_server.catalog.plans.records import (
    Edit,
    EntitlementDetails,
    PlanEntitlement,
    PlanFamily,
    PlanFields,
    PlanFile,
    PlanVersion,
    Publishable,
)
from kelviq_server.catalog.prices.records import PriceType
from kelviq_server.catalog.prices.rules import Fault, Path, feature_faults, terms_faults
from kelviq_server.core.calendar import Reset
from kelviq_server.core.errors import NotFound
from kelviq_server.media.records import StoredFile

_REQUIRED = "This field is required."
MAX_EXTRA_BYTES = 64 * 1024


def refuse_archived(plan: PlanFamily) -> None:
    """Raise PlanArchived where nothing may change any more."""
    if plan.is_archived or plan.is_product_archived:
        raise PlanArchived


def edit_of(plan: PlanFamily, asked: int | None = None) -> Edit:
    """Return which version a change writes: the draft, or a new copy of the version that is for sale.

    Raises VersionFixed where another was asked for, NotFound where there is none such, PlanArchived.
    """
    refuse_archived(plan)
    if asked is not None and not 1 <= asked <= plan.last:
        raise NotFound
    if asked not in (None, plan.last):
        raise VersionFixed
    if plan.draft is not None:
        return Edit(plan.draft)
    return Edit(plan.last + 1, copied_from=plan.published)


def changed_fields(version: PlanVersion, sent: Mapping[str, Any]) -> PlanFields | None:
    """Return what the version says with what was sent, or None when everything is so already.

    A licence's settings are changed one by one, everything else whole.
    """
    before = fields_of(version)
    after = replace(before, **{**sent, "license": replace(version.license, **sent.get("license", {}))})
    return None if after == before else after


def fields_of(version: PlanVersion) -> PlanFields:
    """Return what a version says about itself."""
    return PlanFields(
        version.name,
        version.description,
        bytes(version.metadata).decode(),
        version.is_visible,
        version.license,
        version.links,
        version.ordering,
    )


def changed_file(file: PlanFile, sent: Mapping[str, Any]) -> PlanFile | None:
    """Return a file of a plan with what was sent, or None when everything is so already."""
    after = replace(file, **sent)
    return None if after == file else after


def plan_files(had: Sequence[PlanFile], attached: Sequence[StoredFile]) -> list[PlanFile]:
    """Return newly attached files as the plan's own, after those it has."""
    after = max((file.ordering for file in had), default=-1) + 1
    return [
        PlanFile(file.id, file.file_name, file.file_name, after + place, enabled=True)
        for place, file in enumerate(attached)
    ]


def refuse_publishing(plan: PlanFamily, draft: Publishable) -> None:
    """Raise what keeps a plan's draft from being put on sale."""
    refuse_archived(plan)
    if plan.draft is None:
        raise PlanPublished
    if not draft.prices:
        raise PlanWithoutPrice
    for price in draft.prices:
        if price.price_type is PriceType.PAID and not price.components:
            raise PriceWithoutCharges(f"The price in {price.currency} is paid, but has no charges.")
    missing = sorted(draft.published_currencies - {price.currency for price in draft.prices})
    if missing:
        raise CurrencyMissing(f"The published version has a price in {', '.join(missing)}; this one has none.")
    if draft.base_plan is not None and not draft.is_base_published:
        raise BaseNotPublished(f"The base plan {draft.base_plan} is not published, so there is nothing to inherit yet.")
    if not draft.has_gateway and any(price.price_type is PriceType.PAID for price in draft.prices):
        raise NoGateway


def entitlement_faults(
    entitlements: Mapping[Path, PlanEntitlement], features: Mapping[UUID, Feature], had: Collection[UUID]
) -> Iterator[Fault]:
    """Yield what keeps features from being granted, or from being granted on these terms, each at its path.

    `had` are features that are granted already: these may be archived.
    """
    seen: set[UUID] = set()
    for path, entitlement in entitlements.items():
        if entitlement.feature_id in seen:
            yield (*path, "feature"), "This feature appears more than once."
        seen.add(entitlement.feature_id)
        yield from _faults_of(path, entitlement, features, had)


def _faults_of(
    path: Path, entitlement: PlanEntitlement, features: Mapping[UUID, Feature], had: Collection[UUID]
) -> Iterator[Fault]:
    found = list(feature_faults((*path, "feature"), entitlement.feature_id, features, had, FeatureType))
    if found:
        yield from found
        return
    details, kind = entitlement.details, features[entitlement.feature_id].feature_type
    at: Path = (*path, "details")
    yield from _value_faults((*at, "value"), kind, details)
    if len(details.extra.encode()) > MAX_EXTRA_BYTES:
        yield at, "Ensure this field has no more than 64 KiB."
    if kind is FeatureType.METER:
        yield from terms_faults(at, details.terms, is_limited=True)
        return
    for name, given in (
        ("reset", details.terms.reset is not Reset.NEVER),
        ("hardLimit", details.is_hard_limit),
        ("rollover", details.terms.rollover and details.terms.rollover.enabled),
        ("usageAlerts", details.terms.usage_alerts.enabled),
    ):
        if given:
            yield (*at, name), "Only METER features have this."


def _value_faults(path: Path, kind: FeatureType, details: EntitlementDetails) -> Iterator[Fault]:
    value = details.value
    if value is None:
        if kind is FeatureType.BOOLEAN or not details.terms.has_unlimited_usage:
            yield path, _REQUIRED
    elif kind is FeatureType.BOOLEAN:
        if not isinstance(value, bool):
            yield path, "Must be a valid boolean."
    elif isinstance(value, bool):
        yield path, "A valid number is required."
    elif kind is FeatureType.METER and value != value.to_integral_value():
        yield path, "A valid integer is required."
    elif not 0 <= value < 2**63:
        yield path, "Ensure this value is between 0 and 9223372036854775807."
