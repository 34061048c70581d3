"""Replace the prices of a plan."""

from collections.abc import Sequence

from kelviq_server.catalog.features.store import list_by_id
from kelviq_server.catalog.plans import store
from kelviq_server.catalog.plans.steps import begin_edit, open_draft
from kelviq_server.catalog.prices import rules
from kelviq_server.catalog.prices.records import NewPrice, Price
from kelviq_server.catalog.prices.store import delete_prices, insert_prices, list_prices
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.values import currency_exponents
from kelviq_server.platform.wire import refuse_faults


async def set_prices(tenant: Tenant, identifier: str, prices: Sequence[NewPrice]) -> list[Price]:
    """Return the draft's prices, which are now these; the very same prices change nothing.

    Raises InvalidFields, NotFound, PlanArchived.
    """
    async with transaction(tenant) as tx:
        editing = await begin_edit(tx, identifier)
        currency = editing.plan.currency
        named = {component.feature_id for price in prices for component in price.components} - {None}
        features = await list_by_id(tx, {id for id in named if id is not None})
        had = editing.version.prices
        known = {component.feature_id for price in had for component in price.components if component.feature_id}
        refuse_faults(rules.faults(prices, currency, features, currency_exponents(), known))
        settled = rules.settled(prices, currency)
        if rules.are_the_same(had, settled):
            return list(had)
        draft = await open_draft(tx, editing)
        await delete_prices(tx, draft.id)
        await insert_prices(tx, draft.id, settled)
        await store.update_modified(tx, draft.id)
        return await list_prices(tx, draft.id)
