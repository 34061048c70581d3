"""All SQL about offerings: one statement."""

from collections.abc import Collection
from typing import LiteralString
from uuid import UUID

from kelviq_server.billing.orders.steps import PAID_IN
from kelviq_server.catalog.plans.steps import FEATURE_COLUMNS, FOR_SALE
from kelviq_server.catalog.rates.steps import RATES
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.offerings.records import Found

_FEATURES: LiteralString = (
    "SELECT coalesce(json_agg(one), '[]') FROM (SELECT " + FEATURE_COLUMNS + " FROM features"
    " WHERE tenant_id = %(tenant_id)s AND id IN ("
    "  SELECT e.feature_id FROM plan_entitlements AS e"
    "  JOIN plan_versions AS v ON v.tenant_id = e.tenant_id AND v.id = e.version_id AND v.state = 'published'"
    "  JOIN plans AS p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id"
    "  WHERE e.tenant_id = %(tenant_id)s AND p.product_id = %(product_id)s)) AS one"
)
_CUSTOMER: LiteralString = (
    "SELECT id FROM customers WHERE tenant_id = %(tenant_id)s AND external_id = %(customer)s AND archived_at IS NULL"
)
_SUBSCRIPTION: LiteralString = (
    "SELECT to_json(one) FROM (SELECT s.id, p.identifier AS plan, s.charge_period,"
    "   s.status IN ('trialing', 'active', 'past_due') AS is_in_force FROM subscriptions AS s"
    "  JOIN plans AS p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id"
    "  WHERE s.tenant_id = %(tenant_id)s AND s.customer_id = (" + _CUSTOMER + ") AND s.product_id = %(product_id)s"
    "   AND s.is_seen AND s.status IN ('trialing', 'active', 'past_due', 'canceled')"
    "  ORDER BY s.status IN ('trialing', 'active', 'past_due') DESC, s.seq DESC LIMIT 1) AS one"
)


async def find_offering(tx: Tx, product_id: UUID, customer: str | None, currencies: Collection[str]) -> Found | None:
    """Return all that a product's offering is made of, with the rates of these currencies; None without the product."""
    return await tx.find_decoded(
        Found,
        "SELECT json_build_object("
        "  'organization_id', (SELECT organization_id FROM environments WHERE id = o.tenant_id),"
        "  'currency', o.currency, 'plans', (" + FOR_SALE + "), 'features', (" + _FEATURES + "),"
        "  'rates', " + RATES + ","
        "  'is_customer', EXISTS (" + _CUSTOMER + "),"
        "  'paid_in', (SELECT (" + PAID_IN + ") FROM (" + _CUSTOMER + ") AS c),"
        "  'subscription', (" + _SUBSCRIPTION + "))"
        " FROM products AS o WHERE o.tenant_id = %(tenant_id)s AND o.id = %(product_id)s AND o.archived_at IS NULL",
        {
            "tenant_id": tx.tenant_id,
            "product_id": product_id,
            "customer": customer,
            "currencies": list(currencies),
        },
    )
