"""All SQL about the prices of a plan."""

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from kelviq_server.catalog.prices.records import NewPrice, OfferedPlan, Price
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id

_COLUMNS: LiteralString = (
    "id, version_id, price_type, currency, free_trial, trial_days, enabled, tax_behavior, components"
)
# The prices of a version that is read as `page`, as JSON, the base price first.
PRICES_OF_VERSION: LiteralString = (
    "(SELECT coalesce(json_agg(price), '[]') FROM (SELECT " + _COLUMNS + " FROM plan_prices AS r"
    " WHERE r.tenant_id = page.tenant_id AND r.version_id = page.id ORDER BY r.ordering) AS price)"
)


async def list_prices(tx: Tx, version_id: UUID) -> list[Price]:
    """Return the prices of a version of a plan, the base price first."""
    return await tx.decoded(
        list[Price],
        "SELECT " + PRICES_OF_VERSION + " FROM plan_versions AS page WHERE tenant_id = %s AND id = %s",
        (tx.tenant_id, version_id),
    )


async def get_price(tx: Tx, id: UUID) -> Price:
    """Return a price, of whichever version; raises NotFound."""
    found = await tx.find_decoded(
        Price,
        "SELECT row_to_json(price) FROM (SELECT " + _COLUMNS + " FROM plan_prices WHERE tenant_id = %s AND id = %s)"
        " AS price",
        (tx.tenant_id, id),
    )
    if found is None:
        raise NotFound
    return found


async def list_offered(tx: Tx, identifiers: Collection[str]) -> list[OfferedPlan]:
    """Return those of the plans of which a version was ever published, with the prices of such versions."""
    return await tx.decoded(
        list[OfferedPlan],
        "SELECT coalesce(json_agg(offered), '[]') FROM ("
        "  SELECT p.id, p.identifier, p.product_id,"
        "   coalesce(json_object_agg(r.id, r.currency) FILTER (WHERE r.id IS NOT NULL), '{}') AS currencies"
        "  FROM plans AS p JOIN plan_versions AS v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id"
        "   AND v.state <> 'draft'"
        "  LEFT JOIN plan_prices AS r ON r.tenant_id = v.tenant_id AND r.version_id = v.id"
        "  WHERE p.tenant_id = %s AND p.identifier = ANY(%s) GROUP BY p.tenant_id, p.id) AS offered",
        (tx.tenant_id, list(identifiers)),
    )


async def insert_prices(tx: Tx, version_id: UUID, prices: Sequence[NewPrice]) -> None:
    """Write the prices of a draft."""
    rows = [
        {
            "id": new_id(tx.now),
            "ordering": ordering,
            "price_type": price.price_type,
            "currency": price.currency,
            "free_trial": price.free_trial,
            "trial_days": price.trial_days,
            "enabled": price.enabled,
            "tax_behavior": price.tax_behavior,
            "components": price.components,
        }
        for ordering, price in enumerate(prices)
    ]
    await tx.execute(
        "INSERT INTO plan_prices (tenant_id, version_id, " + _WRITTEN + ")"
        " SELECT %s, %s, " + _WRITTEN + " FROM json_to_recordset(%s::json) AS price (id uuid, ordering smallint,"
        "  price_type text, currency text, free_trial boolean, trial_days integer, enabled boolean,"
        "  tax_behavior text, components json)",
        (tx.tenant_id, version_id, msgspec.json.encode(rows).decode()),
    )


_WRITTEN: LiteralString = (
    "id, ordering, price_type, currency, free_trial, trial_days, enabled, tax_behavior, components"
)


async def delete_prices(tx: Tx, version_id: UUID) -> None:
    """Take all prices from a draft."""
    await tx.execute("DELETE FROM plan_prices WHERE tenant_id = %s AND version_id = %s", (tx.tenant_id, version_id))
