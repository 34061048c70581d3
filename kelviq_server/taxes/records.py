"""Tax rates, and who is taxed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

# Where the states have rates of their own.
STATED = ("US", "CA")


class TaxCode(StrEnum):
    """What kind of thing a product is to a tax office."""

    SAAS = "saas"
    SAAS_BUSINESS = "saas_business"
    SOFTWARE = "software"
    VIDEOCONTENT = "videocontent"
    INFORMATIONSERVICE = "informationservice"
    EBOOK = "ebook"
    DIGITALGRAPHIC = "digitalgraphic"
    VIDEOGAME = "videogame"
    ESERVICE = "eservice"
    TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Buyer:
    """What decides about a buyer's tax: where it is, by its address, and its business tax id, if any."""

    country: str | None
    state: str | None
    tax_id: str | None


@dataclass(frozen=True, slots=True)
class TaxId:
    """A business tax id that is valid by its form and check digits, without separators."""

    country: str
    number: str


@dataclass(frozen=True, slots=True)
class NewTaxRate:
    """What a rate of a tenant's own is made from; without a day it is valid from today."""

    country: str
    # None: the whole country.
    state: str | None
    # None: every kind of product.
    tax_code: TaxCode | None
    rate_percent: Decimal
    name: str
    valid_from: date | None = None


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate as it is kept, in force from `valid_from` until the day before `valid_until`."""

    id: UUID
    country: str
    state: str | None
    tax_code: TaxCode | None
    rate_percent: Decimal
    name: str
    valid_from: date
    valid_until: date | None
    # Where a packaged rate comes from; a tenant's own has none.
    source: str | None

    def holds(self, day: date) -> bool:
        """Say whether it is in force on a day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new rate fits in among those of its kind: until when it holds, and which ends when it begins."""

    valid_until: date | None
    ends: TaxRate | None


@dataclass(frozen=True, slots=True)
class Removal:
    """What giving a rate up comes to: whether it is deleted, and which rate ends on another day."""

    deletes: bool
    ends: TaxRate | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class RateInForce:
    """How much tax there is on something on a day, and what documents call it."""

    rate_percent: Decimal
    name: str
