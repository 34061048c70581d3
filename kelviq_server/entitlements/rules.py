"""What a subscription grants, and what a customer may do by it: pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation, Feature, FeatureType
from kelviq_server.catalog.plans.records import EntitlementDetails
from kelviq_server.catalog.prices.records import Component, MeterTerms, PaymentType
from kelviq_server.core.allowance import MAX_UNITS, Carry, Schedule, Terms, has_access
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.entitlements.records import Access, Entry, Holding, Judgement, NewOverride, Override, Standing
from kelviq_server.platform.wire import Path
from kelviq_server.usage.allowances.records import NOTHING, Alerts, Allowance, Granted, OverrideLimit
from kelviq_server.usage.meters.records import Meter


def granted_by(holding: Holding, features: Mapping[UUID, Feature]) -> tuple[list[Entry], list[Granted]]:
    """Return what a subscription grants: its entries in the plan's order, and on which terms it grants meters.

    What was bought by its quantity has that as its limit; what is paid as it is used begins again with each charge.
    """
    details = {each.feature_id: each.details for each in holding.version.granted}
    sold = dict(_sold(holding))
    entries: list[Entry] = []
    meters: list[Granted] = []
    for id in [*details, *(id for id in sold if id not in details)]:
        feature = features[id]
        value = details[id].value if id in details else None
        if feature.feature_type is FeatureType.METER:
            meters.append(_meter(holding, feature, details.get(id), sold.get(id)))
            value = None
        entries.append(Entry(id, feature.identifier, feature.feature_type, value))
    return entries, meters


def _sold(holding: Holding) -> Iterator[tuple[UUID, Component]]:
    for component in holding.price.components:
        if component.feature_id is not None and component.charge_every(holding.charge_period) is not None:
            yield component.feature_id, component


def _meter(
    holding: Holding, feature: Feature, details: EntitlementDetails | None, component: Component | None
) -> Granted:
    if component is not None and component.payment_type is PaymentType.PAY_AS_YOU_GO:
        schedule = Schedule(ChargePeriod.MONTHLY, holding.anchor_at, holding.time_zone)
        limit = None if details is None or details.terms.has_unlimited_usage else _units(details.value)
        terms = Terms(limit, details is not None and details.is_hard_limit, schedule)
        return Granted(feature.id, terms, _alerts(component.terms))
    metered = component.terms if component is not None else details.terms if details is not None else MeterTerms()
    schedule = Schedule.of(metered.reset, metered.reset_time, holding.anchor_at, holding.time_zone)
    limit = None if metered.has_unlimited_usage or details is None else _units(details.value)
    if component is not None and not metered.has_unlimited_usage:
        limit = holding.quantities.get(feature.identifier, limit)
    carry = None
    if component is not None and metered.rollover is not None and metered.rollover.enabled:
        carry = Carry(metered.rollover.percentage, metered.rollover.limit)
    terms = Terms(limit, details is not None and details.is_hard_limit, schedule, carry)
    return Granted(feature.id, terms, _alerts(metered))


def _units(value: bool | Decimal | None) -> int | None:
    return None if value is None else min(int(value), MAX_UNITS)


def _alerts(terms: MeterTerms) -> Alerts | None:
    alerts = terms.usage_alerts
    return Alerts(alerts.threshold_type, alerts.thresholds) if alerts.enabled else None


def accesses(standing: Standing, meters: Mapping[UUID, Meter]) -> list[Access]:
    """Return what a customer may do: one entry for each subscription and feature, in the order in which they came.

    What an override gives that no subscription grants comes last.
    """
    return [judgement.access for judgement in judged(standing, meters)]


def judged(standing: Standing, meters: Mapping[UUID, Meter]) -> Iterator[Judgement]:
    """Yield the same, each with what led to it."""
    now = standing.now
    overrides = {each.feature_id: each for each in standing.overrides if each.holds_at(now)}
    allowances = {(each.feature_id, each.lineage_id): each for each in standing.allowances}
    granted: set[UUID] = set()
    for grant in standing.grants:
        if grant.ends_at is not None and grant.ends_at <= now:
            continue
        for entry in grant.entries:
            granted.add(entry.feature_id)
            override = overrides.get(entry.feature_id)
            if entry.feature_type is not FeatureType.METER:
                access = _fixed(entry, entry.value if override is None else override.value)
                yield Judgement(access, entry, grant, override)
            elif allowance := allowances.get((entry.feature_id, grant.lineage_id)):
                access = _metered(entry.feature, allowance, meters[entry.feature_id].aggregation, now)
                yield Judgement(access, entry, grant, override, allowance)
    for id, override in overrides.items():
        if id in granted:
            continue
        entry = Entry(id, override.feature, override.feature_type, override.value)
        if override.feature_type is not FeatureType.METER:
            yield Judgement(_fixed(entry, override.value), entry, None, override)
        elif allowance := allowances.get((id, NOTHING)):
            access = _metered(override.feature, allowance, meters[id].aggregation, now)
            yield Judgement(access, entry, None, override, allowance)


def _fixed(entry: Entry, value: bool | Decimal | None) -> Access:
    if entry.feature_type is FeatureType.BOOLEAN:
        return Access(entry.feature, entry.feature_type, bool(value))
    number = None if value is None else int(Decimal(value).to_integral_value(ROUND_DOWN))
    return Access(entry.feature, entry.feature_type, value is not None and value > 0, None, None, number, None, number)


def _metered(feature: str, allowance: Allowance, aggregation: Aggregation, now: datetime) -> Access:
    """Return what is left of an allowance as it stands at an instant, though nobody has counted since."""
    allowance.pass_time(aggregation, now)
    terms, counter = allowance.terms_at(now), allowance.counter(aggregation)
    left = counter.left(terms)
    return Access(
        feature,
        FeatureType.METER,
        has_access(terms, left),
        counter.span.end,
        terms.is_hard,
        counter.allowed(terms),
        counter.used + counter.held,
        left,
    )


def override_faults(feature_type: FeatureType, new: NewOverride, now: datetime) -> Iterator[tuple[Path, str]]:
    """Yield what keeps this from holding for a customer instead of what grants a feature of this type to them."""
    value, at = new.value, ("value",)
    if feature_type is FeatureType.BOOLEAN:
        if not isinstance(value, bool):
            yield at, "Must be a valid boolean."
    elif value is None:
        if feature_type is not FeatureType.METER:
            yield at, "This field may not be null."
    elif isinstance(value, bool):
        yield at, "A valid number is required."
    elif not 0 <= value <= MAX_UNITS:
        yield at, f"Ensure this value is between 0 and {MAX_UNITS}."
    elif feature_type is FeatureType.METER and value != value.to_integral_value():
        yield at, "A valid integer is required."
    if new.expires_at is not None and new.expires_at <= now:
        yield ("expiresAt",), "This is not in the future."


def limit_of(override: Override | NewOverride) -> OverrideLimit:
    """Return what an override of a meter gives."""
    return OverrideLimit(_units(override.value), override.expires_at)
