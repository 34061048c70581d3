"""What may happen to a product."""

from collections.abc import Mapping, Sequence
from typing import Any

from kelviq_server.catalog.products.errors import ProductArchived
from kelviq_server.catalog.products.records import FileKind, Product, ProductFile, ProductSettings
from kelviq_server.media.records import StoredFile, Upload

# What a browser shows as a picture. SVG is one: where it is served, nothing in it runs.
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml")
MAX_IMAGES = 10
MAX_FILES = 100


def edit(product: Product, sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the product's editable columns with what was sent, or None when everything is so already.

    Raises ProductArchived.
    """
    refuse_archived(product)
    return _changed({name: getattr(product, name) for name in ("name", "description", "tax_code")}, sent)


def edit_settings(settings: ProductSettings, sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the settings with what was sent, or None when everything is so already."""
    names = ("vpn", "tor", "proxy", "currency", "product_url")
    return _changed({name: getattr(settings, name) for name in names}, sent)


def edit_file(file: ProductFile, sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is shown of a file with what was sent, or None when everything is so already."""
    return _changed({name: getattr(file, name) for name in ("name", "ordering", "thumbnail", "enabled")}, sent)


def _changed(before: dict[str, Any], sent: Mapping[str, Any]) -> dict[str, Any] | None:
    after = {**before, **sent}
    return None if after == before else after


def refuse_archived(product: Product) -> None:
    """Raise ProductArchived where nothing may change any more."""
    if product.is_archived:
        raise ProductArchived


def not_an_image(upload: Upload) -> str | None:
    """Return why an upload cannot be shown as a picture, or None."""
    return None if upload.content_type.lower() in IMAGE_TYPES else f"Only images are shown: {', '.join(IMAGE_TYPES)}."


def too_many(kind: FileKind, had: Sequence[ProductFile], added: int) -> str | None:
    """Return why no more files can be added to those of this kind, or None."""
    most = MAX_IMAGES if kind is FileKind.IMAGE else MAX_FILES
    return f"A product has no more than {most} {kind.value}s." if len(had) + added > most else None


def product_files(kind: FileKind, had: Sequence[ProductFile], attached: Sequence[StoredFile]) -> list[ProductFile]:
    """Return newly attached files as the product's own, after those it had; its first image is the thumbnail."""
    after = max((file.ordering for file in had), default=-1) + 1
    first_is_thumbnail = kind is FileKind.IMAGE and not had
    return [
        ProductFile(
            file.id,
            kind,
            file.file_name,
            file.file_name,
            after + place,
            first_is_thumbnail and place == 0,
            enabled=True,
        )
        for place, file in enumerate(attached)
    ]
