"""Products: what plans are plans of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kelviq_server.taxes.records import TaxCode


class FileKind(StrEnum):
    """What a product's file is for: to be looked at by everybody, or to be handed out."""

    IMAGE = "image"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class NewProduct:
    """What a product is made from; without an identifier the name makes one."""

    name: str
    tax_code: TaxCode
    identifier: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ProductFile:
    """An image of a product, or a file that comes with it."""

    id: UUID
    kind: FileKind
    # The name people see; the file's own is `file_name`.
    name: str
    file_name: str
    ordering: int
    thumbnail: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class Product:
    """A product as it is kept, with its images and files in their order."""

    id: UUID
    identifier: str
    name: str
    description: str
    tax_code: TaxCode
    created_by: str
    is_archived: bool
    modified_at: datetime
    files: tuple[ProductFile, ...]

    def of_kind(self, kind: FileKind) -> list[ProductFile]:
        """Return its images, or its other files."""
        return [file for file in self.files if file.kind is kind]


@dataclass(frozen=True, slots=True)
class ProductSettings:
    """How a product is shown and to whom; there from the product's first moment."""

    vpn: bool
    tor: bool
    proxy: bool
    # What its prices are in unless they say otherwise.
    currency: str
    product_url: str | None
