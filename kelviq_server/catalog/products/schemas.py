"""Products as the wire spells them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from kelviq_server.catalog.products.records import (
    FileKind,
    NewProduct,
    Product,
    ProductFile,
    ProductSettings,
    TaxCode,
)
from kelviq_server.media.steps import public_path
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import MAX_SMALL_INT, Between, Currency, FileKeys, Flag, Slug, WebAddress
from kelviq_server.platform.wire import Answer, Body, Description, Name, wire_instant

_ABSENT: Any = None


class ProductCreateRequest(Body):
    """A product to create."""

    name: Name = Field(description="What people call the product.", examples=["ParityDeals"])
    identifier: Slug = Field(
        _ABSENT, description="What your code calls it; made from the name if missing.", examples=["parity-deals"]
    )
    description: Description = Field("", description="A short summary.")
    tax_code: TaxCode = Field(description="What kind of thing it is to a tax office.", examples=["saas"])
    image_keys: FileKeys = Field([], description="`fileKey`s of uploads to show as its images, ten at the most.")

    def new_product(self) -> NewProduct:
        """Return what the product is made from."""
        return NewProduct(self.name, self.tax_code, self.identifier, self.description)


class ProductUpdateRequest(Body):
    """Fields of a product to change, and images and files to add."""

    name: Name = Field(_ABSENT, description="What people call the product.", examples=["Pro Suite v2"])
    description: Description = Field(_ABSENT, description="A short summary.", examples=["Updated description."])
    tax_code: TaxCode = Field(_ABSENT, description="What kind of thing it is to a tax office.", examples=["saas"])
    image_keys: FileKeys = Field([], description="`fileKey`s of uploads to show as further images.")
    file_keys: FileKeys = Field([], description="`fileKey`s of uploads to add to the product's files.")

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"image_keys", "file_keys"}}


class ProductSettingsUpdateRequest(Body):
    """Settings of a product to change."""

    vpn: Flag = Field(_ABSENT, description="Whether visitors may come through a VPN.")
    tor: Flag = Field(_ABSENT, description="Whether visitors may come through Tor.")
    proxy: Flag = Field(_ABSENT, description="Whether visitors may come through a proxy.")
    currency: Currency = Field(_ABSENT, description="What prices are in unless they say otherwise.", examples=["EUR"])
    product_url: WebAddress | None = Field(
        None, description="Public address of the product.", examples=["https://app.example.com"]
    )

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ProductImageUpdateRequest(Body):
    """What is shown of an image; for another picture upload another image."""

    name: Name = Field(_ABSENT, description="Display name.", examples=["primary-hero.png"])
    ordering: Annotated[int, Between(-MAX_SMALL_INT, MAX_SMALL_INT)] = Field(
        _ABSENT, description="Position in the gallery.", examples=[1]
    )
    thumbnail: Flag = Field(_ABSENT, description="True makes it the product's thumbnail, in place of any other image.")
    enabled: Flag = Field(_ABSENT, description="Whether it is shown.")

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ProductImage(Answer):
    """An image of a product."""

    id: UUID = Field(description="The image's UUID.")
    name: str | None = Field(description="Display name.")
    image: str = Field(description="Address of the picture, for anybody.")
    ordering: int = Field(description="Position in the gallery.")
    thumbnail: bool = Field(description="Whether it is the product's thumbnail.")
    enabled: bool = Field(description="Whether it is shown.")


class ProductFileAnswer(Answer):
    """A file that comes with a product."""

    id: UUID = Field(description="The file's UUID.")
    name: str = Field(description="Display name.")
    ordering: int = Field(description="Position in the list.")
    enabled: bool = Field(description="Whether it is handed out.")


class ProductAnswer(Answer):
    """A product of the catalog."""

    id: UUID = Field(description="The product's UUID.")
    identifier: str = Field(description="What your code calls it.")
    name: str = Field(description="What people call it.")
    description: str = Field(description="A short summary.")
    tax_code: TaxCode = Field(description="What kind of thing it is to a tax office.")
    created_by: str = Field(description="Who created it; empty where an API key did.")
    is_archived: bool = Field(description="Whether it is out of the list.")
    modified_on: datetime = Field(description="When the product last changed.")
    images: list[ProductImage] = Field(description="Its images, in their order.")
    files: list[ProductFileAnswer] = Field(description="Its files, in their order.")


class ProductRetrieve(ProductAnswer):
    """A product with its plans that are for sale."""

    plans: list[str] = Field(description="Identifiers of its published plans that are not archived.")


class PaginatedProducts(ListAnswer):
    """One page of the products, newest first."""

    results: list[ProductAnswer] = Field(description="The products of this page.")


class ProductSettingsAnswer(Answer):
    """How a product is shown, and to whom."""

    vpn: bool = Field(description="Whether visitors may come through a VPN.")
    tor: bool = Field(description="Whether visitors may come through Tor.")
    proxy: bool = Field(description="Whether visitors may come through a proxy.")
    currency: str = Field(description="What prices are in unless they say otherwise.")
    product_url: str | None = Field(description="Public address of the product.", json_schema_extra={"format": "uri"})


def product_answer(product: Product, base_url: str) -> dict[str, Any]:
    """Return a product as the API answers with it."""
    return {
        "id": product.id,
        "identifier": product.identifier,
        "name": product.name,
        "description": product.description,
        "taxCode": product.tax_code,
        "createdBy": product.created_by,
        "isArchived": product.is_archived,
        "modifiedOn": wire_instant(product.modified_at),
        "images": [image_answer(image, base_url) for image in product.of_kind(FileKind.IMAGE)],
        "files": _files(product.of_kind(FileKind.FILE)),
    }


def image_answer(image: ProductFile, base_url: str) -> dict[str, Any]:
    """Return an image as the API answers with it."""
    return {
        "id": image.id,
        "name": image.name,
        "image": base_url + public_path(image.id, image.file_name),
        "ordering": image.ordering,
        "thumbnail": image.thumbnail,
        "enabled": image.enabled,
    }


def _files(files: Sequence[ProductFile]) -> list[dict[str, Any]]:
    return [{"id": file.id, "name": file.name, "ordering": file.ordering, "enabled": file.enabled} for file in files]


def settings_answer(settings: ProductSettings) -> dict[str, Any]:
    """Return settings as the API answers with them."""
    return {
        "vpn": settings.vpn,
        "tor": settings.tor,
        "proxy": settings.proxy,
        "currency": settings.currency,
        "productUrl": settings.product_url,
    }
