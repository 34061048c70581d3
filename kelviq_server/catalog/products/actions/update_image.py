"""Change what is shown of an image of a product."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.catalog.products import rules, store
from kelviq_server.catalog.products.records import ProductFile
from kelviq_server.platform.database import Tenant, transaction


async def update_image(tenant: Tenant, product_id: UUID, id: UUID, sent: Mapping[str, Any]) -> ProductFile:
    """Return the image as it now is; where it becomes the thumbnail, no other image is."""
    async with transaction(tenant) as tx:
        rules.refuse_archived(await store.lock_product(tx, product_id))
        image = await store.get_image(tx, product_id, id)
        values = rules.edit_file(image, sent)
        if values is None:
            return image
        await store.update_file(tx, product_id, id, values)
        await store.update_modified(tx, product_id)
        return await store.get_image(tx, product_id, id)
