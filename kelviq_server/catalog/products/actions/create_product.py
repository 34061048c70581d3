"""Create a product."""

from collections.abc import Sequence

from kelviq_server.catalog.actions.keep_uploads import keep_uploads
from kelviq_server.catalog.products import rules, store
from kelviq_server.catalog.products.errors import ProductExists
from kelviq_server.catalog.products.records import FileKind, NewProduct, Product
from kelviq_server.catalog.products.steps import FIELDS, add_files
from kelviq_server.core.slugs import free_slug, slug_of
from kelviq_server.platform.database import Tenant, transaction


async def create_product(tenant: Tenant, new: NewProduct, image_keys: Sequence[str] = ()) -> Product:
    """Return the new product; raises InvalidFields, or ProductExists when the identifier was ever taken."""
    images = await keep_uploads(tenant, FIELDS[FileKind.IMAGE], image_keys, rules.not_an_image)
    async with transaction(tenant) as tx:
        start = new.identifier or slug_of(new.name, "product")
        taken = await store.lock_identifiers(tx, start)
        identifier = new.identifier or free_slug(start, taken)
        id = await store.insert_product(tx, identifier, new)
        if id is None:
            raise ProductExists
        await add_files(tx, id, FileKind.IMAGE, (), images)
        return await store.get_product(tx, id)
