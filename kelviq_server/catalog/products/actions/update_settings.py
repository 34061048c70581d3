"""Change the settings of a product."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.catalog.products import rules, store
from kelviq_server.catalog.products.records import ProductSettings
from kelviq_server.platform.database import Tenant, transaction


async def update_settings(tenant: Tenant, id: UUID, sent: Mapping[str, Any]) -> ProductSettings:
    """Return the settings as they now are. In a new currency, prices that were switched off are offered again."""
    async with transaction(tenant) as tx:
        rules.refuse_archived(await store.lock_product(tx, id))
        settings = await store.get_settings(tx, id)
        values = rules.edit_settings(settings, sent)
        if values is None:
            return settings
        await store.update_settings(tx, id, values)
        if values["currency"] != settings.currency:
            await store.update_prices_enabled(tx, id, values["currency"])
        return ProductSettings(**values)
