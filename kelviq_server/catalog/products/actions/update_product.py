"""Change a product's name, description or tax code, and add images and files."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from kelviq_server.catalog.actions.keep_uploads import keep_uploads
from kelviq_server.catalog.products import rules, store
from kelviq_server.catalog.products.records import FileKind, Product
from kelviq_server.catalog.products.steps import FIELDS, add_files
from kelviq_server.platform.database import Tenant, reading, transaction


async def update_product(
    tenant: Tenant, id: UUID, sent: Mapping[str, Any], image_keys: Sequence[str], file_keys: Sequence[str]
) -> Product:
    """Return the product as it now is; nothing new changes nothing. Raises InvalidFields, ProductArchived."""
    if image_keys or file_keys:
        async with reading(tenant) as tx:
            rules.refuse_archived(await store.get_product(tx, id))
    images = await keep_uploads(tenant, FIELDS[FileKind.IMAGE], image_keys, rules.not_an_image)
    files = await keep_uploads(tenant, FIELDS[FileKind.FILE], file_keys)
    async with transaction(tenant) as tx:
        product = await store.lock_product(tx, id)
        values = rules.edit(product, sent)
        if values is not None:
            await store.update_product(tx, product, values)
        for kind, kept in ((FileKind.IMAGE, images), (FileKind.FILE, files)):
            await add_files(tx, id, kind, product.of_kind(kind), kept)
        if images or files:
            await store.update_modified(tx, id)
        return await store.get_product(tx, id)
