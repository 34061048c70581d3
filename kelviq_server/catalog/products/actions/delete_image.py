"""Delete an image of a product."""

from uuid import UUID

from kelviq_server.catalog.products import rules, store
from kelviq_server.media import steps as media
from kelviq_server.platform.database import Tenant, transaction


async def delete_image(tenant: Tenant, product_id: UUID, id: UUID) -> None:
    """Delete an image; what it was made of is swept up later."""
    async with transaction(tenant) as tx:
        rules.refuse_archived(await store.lock_product(tx, product_id))
        await store.get_image(tx, product_id, id)
        await store.delete_file(tx, id)
        await media.release_file(tx, id)
        await store.update_modified(tx, product_id)
