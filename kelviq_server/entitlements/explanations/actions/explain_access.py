"""Find out why a customer may use a feature, or may not."""

from dataclasses import replace

from kelviq_server.catalog.plans import steps as plans
from kelviq_server.customers import steps as customers
from kelviq_server.entitlements import steps
from kelviq_server.entitlements.explanations import rules
from kelviq_server.entitlements.explanations.records import Explanation
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.usage.meters.steps import find_feature


async def explain_access(tenant: Tenant, customer: str, feature: str) -> Explanation:
    """Return whether a customer may use a feature now, as everybody else is told, and what led to that."""
    async with reading(tenant) as tx:
        standing = (await steps.list_standings(tx, [customer])).get(customer)
        if standing is None:
            is_archived = await customers.find_customer_id(tx, customer) is not None
            return rules.unknown_customer(is_archived=is_archived)
        meter = await find_feature(tx, feature)
        if meter is None:
            return rules.unknown_feature()
        own = replace(standing, allowances=[each for each in standing.allowances if each.feature_id == meter.id])
        judgements = [each for each in steps.judged(own, {meter.id: meter}) if each.entry.feature_id == meter.id]
        versions = await plans.list_by_id(tx, {each.grant.version_id for each in judgements if each.grant is not None})
    return rules.explained(standing, meter, judgements, versions)
