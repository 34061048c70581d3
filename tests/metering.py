"""Makes meters and plans that grant them, reports usage, and tells what customers may do then; past HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from kelviq_server.catalog.contents.actions.add_entitlements import add_entitlements
from kelviq_server.catalog.features.actions.create_feature import create_feature
from kelviq_server.catalog.features.records import (
    Aggregation,
    Feature,
    FeatureType,
    FilterOperator,
    MeterSetup,
    MeterSource,
    NewFeature,
)
from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.records import EntitlementDetails, NewEntitlement, NewPlan, PlanFields, Rollout
from kelviq_server.catalog.prices.records import Charge, Component, MeterTerms, NewPrice, PaymentType, PriceType
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.records import NewProduct, TaxCode
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.pricing import PriceModel
from kelviq_server.customers.steps import lock_customer
from kelviq_server.entitlements.actions.check_entitlements import check_entitlements
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.json_body import dump, parse
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.allowances.records import OverrideLimit
from kelviq_server.usage.reports.actions.record_report import record_report
from kelviq_server.usage.reports.records import Accepted, Behaviour, Report

MONTHLY = ChargePeriod.MONTHLY
_UNITS = {"units": {"singular": "one", "plural": "many"}}


async def meter(tenant: Tenant, identifier: str = "calls") -> Feature:
    """Create a meter whose usage comes added up."""
    setup = MeterSetup(MeterSource.PRE_AGGREGATED_USAGE, has_units=True)
    details = {"featureSubType": "PRE_AGGREGATED_USAGE", **_UNITS}
    new = NewFeature(identifier, FeatureType.METER, identifier, feature_details=dump(details), setup=setup)
    return await create_feature(tenant, new)


async def meter_of_events(
    tenant: Tenant, identifier: str, aggregation: Aggregation, of: str | None = None, *filters: tuple[str, str, Any]
) -> Feature:
    """Create a meter that counts raw events; each filter is a property, an operator, and a value."""
    setup = MeterSetup(
        MeterSource.RAW_EVENTS, True, True, aggregation, of,
        tuple((FilterOperator(operator), value) for _, operator, value in filters),
    )  # fmt: skip
    said = {
        "aggregation": {"function": aggregation, **({} if of is None else {"field": of})},
        "filters": [{"field": name, "operator": operator, "value": value} for name, operator, value in filters],
    }
    details = {"featureSubType": "RAW_EVENTS", **_UNITS}
    new = NewFeature(
        identifier, FeatureType.METER, identifier, feature_details=dump(details), meter=dump(said), setup=setup
    )
    return await create_feature(tenant, new)


@dataclass(frozen=True)
class Granting:
    """A meter that a plan grants, and on which terms; it costs something by its quantity where that is bought."""

    feature: UUID
    limit: int | None
    terms: MeterTerms = field(default_factory=MeterTerms)
    is_hard: bool = True
    is_sold: bool = False


async def plan(tenant: Tenant, *granted: Granting, period: ChargePeriod = MONTHLY) -> str:
    """Publish a plan that grants meters, and return its identifier."""
    product = await create_product(tenant, NewProduct("Suite", TaxCode.SAAS))
    identifier = f"plan-{uuid4().hex}"
    await create_plan(tenant, NewPlan(product.id, PlanFields("Pro"), identifier))
    charges = (Charge(period, Decimal(1)),)
    components = [Component(None, PriceModel.FLAT, PaymentType.ADVANCE_COMMITMENT, MeterTerms(), charges)]
    for each in granted:
        if each.is_sold:
            sold = Component(each.feature, PriceModel.FLAT, PaymentType.ADVANCE_COMMITMENT, each.terms, charges)
            components.append(sold)
    price = NewPrice(price_type=PriceType.PAID, currency="USD", components=tuple(components))
    await set_prices(tenant, identifier, [price])
    if granted:
        await add_entitlements(tenant, identifier, [_entitlement(each) for each in granted])
    await publish_plan(tenant, identifier, Rollout())
    return identifier


def _entitlement(each: Granting) -> NewEntitlement:
    if each.limit is None:
        return NewEntitlement(each.feature, EntitlementDetails(terms=replace(each.terms, has_unlimited_usage=True)))
    return NewEntitlement(each.feature, EntitlementDetails(Decimal(each.limit), each.terms, each.is_hard))


def usage(customer: str, value: int, feature: str = "calls", **fields: Any) -> Report:
    """Return a report of usage as it is counted; with a key, what it says is its digest."""
    if "behaviour" in fields:
        fields["behaviour"] = Behaviour(fields["behaviour"])
    return _keyed(Report(customer, feature=feature, value=value, **fields))


def event(customer: str, properties: str, at: datetime, name: str = "ask", **fields: Any) -> Report:
    """Return a raw event as it is counted, of the JSON text of its properties."""
    values = parse(properties.encode())
    return _keyed(
        Report(customer, at, event_name=name, properties=values, properties_text=properties, **fields),
    )


def _keyed(report: Report) -> Report:
    if report.key is not None:
        object.__setattr__(report, "digest", sha256(repr(report).encode()).digest()[:16])
    return report


async def report(tenant: Tenant, customer: str, value: int, feature: str = "calls", **fields: Any) -> Accepted:
    """Report usage."""
    return await record_report(tenant, usage(customer, value, feature, **fields))


async def counted(tenant: Tenant, customer: str, feature: str = "calls") -> Sequence[tuple[int | None, int | None]]:
    """Return limit and usage of each subscription that grants a meter."""
    return [(each.limit, each.used) for each in await check_entitlements(tenant, customer, feature)]


async def override(tenant: Tenant, customer: str, feature: UUID, limit: int | None, until: datetime | None) -> None:
    """Let a limit of a meter hold for a customer instead of what plans grant."""
    async with transaction(tenant) as tx:
        locked = await lock_customer(tx, customer)
        await tx.execute(
            "INSERT INTO overrides (tenant_id, customer_id, feature_id, feature, feature_type, value, reason,"
            "  expires_at, created_at, modified_at)"
            " SELECT tenant_id, %s, id, identifier, feature_type, %s, 'agreed', %s, %s, %s FROM features"
            " WHERE tenant_id = %s AND id = %s ON CONFLICT (tenant_id, customer_id, feature_id) DO UPDATE"
            " SET value = excluded.value, expires_at = excluded.expires_at",
            (locked.id, None if limit is None else dump(limit), until, tx.now, tx.now, tx.tenant_id, feature),
        )
        await allowances.override(tx, locked.id, feature, OverrideLimit(limit, until))


async def no_override(tenant: Tenant, customer: str, feature: UUID) -> None:
    """Let what plans grant hold again."""
    async with transaction(tenant) as tx:
        locked = await lock_customer(tx, customer)
        await tx.execute(
            "DELETE FROM overrides WHERE tenant_id = %s AND customer_id = %s AND feature_id = %s",
            (tx.tenant_id, locked.id, feature),
        )
        await allowances.override(tx, locked.id, feature, None)


async def zero(tenant: Tenant, customer: str, feature: UUID) -> None:
    """Set a customer's usage of a meter to zero."""
    async with transaction(tenant) as tx:
        await allowances.reset(tx, (await lock_customer(tx, customer)).id, feature)
