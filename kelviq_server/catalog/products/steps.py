"""What others may borrow of products, and what the parts of the catalog share: files of a product."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.catalog.products import rules, store
from kelviq_server.catalog.products.records import FileKind, Product, ProductFile
from kelviq_server.catalog.products.schemas import ProductAnswer, product_answer
from kelviq_server.catalog.products.store import find_tenant_id, get_product, list_by_id, list_known
from kelviq_server.media import steps as media
from kelviq_server.media.records import Upload
from kelviq_server.platform.database import Tx
from kelviq_server.platform.wire import refuse_faults

__all__ = [
    "FIELDS",
    "ProductAnswer",
    "add_files",
    "find_tenant_id",
    "get_product",
    "list_by_id",
    "list_known",
    "picture_of",
    "product_answer",
]

FIELDS = {FileKind.IMAGE: "imageKeys", FileKind.FILE: "fileKeys"}


def picture_of(product: Product) -> ProductFile | None:
    """Return the picture that stands for a product, or None: its thumbnail, else its first."""
    shown = [image for image in product.of_kind(FileKind.IMAGE) if image.enabled]
    return next((image for image in shown if image.thumbnail), shown[0] if shown else None)


async def add_files(
    tx: Tx, id: UUID, kind: FileKind, had: Sequence[ProductFile], kept: Sequence[tuple[Upload, int]]
) -> None:
    """Attach kept uploads to a product that is locked or new, after the files of this kind that it had."""
    if not kept:
        return
    if reason := rules.too_many(kind, had, len(kept)):
        refuse_faults([((FIELDS[kind],), reason)])
    attached = await media.attach(tx, kept, public=kind is FileKind.IMAGE)
    await store.insert_files(tx, id, rules.product_files(kind, had, attached))
