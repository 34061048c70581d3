"""Field types of bodies beyond texts: numbers, truth, days, currencies, slugs, addresses, lists of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import iso4217
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from kelviq_server.core.money import has_decimals_beyond
from kelviq_server.core.slugs import SLUG
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.wire import Body, Country, Description, Text, not_a_choice

_ABSENT: Any = None
MAX_INT = 2**63 - 1
# Of counts and places in a list, which stand in columns of 32 bits.
MAX_SMALL_INT = 2**31 - 1
# Unit prices go down to 12 decimals and up to a million millions; a product with any quantity stays exact.
MAX_AMOUNT = 10**12
MAX_PLACES = 12
# Beyond that a number is no amount of anything, and costly to reckon with.
MAX_DIGITS = 100


def _whole(value: Any) -> Any:
    """Take whole numbers alone, as numbers: 5 and 5.0, but neither "5" nor true."""
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        # Out of all bounds already, and costly to write out.
        return int(value) if value.adjusted() < 30 else MAX_INT + 1 if value > 0 else -MAX_INT - 2
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("whole", "A valid integer is required.")
    return value


def exact_number(value: Any) -> Decimal:
    """Return a number of a body exactly; raises PydanticCustomError for anything else, and what is too fine."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "A valid number is required.")
    number = Decimal(value)
    if len(number.as_tuple().digits) > MAX_DIGITS or abs(number.adjusted()) > MAX_DIGITS:
        raise PydanticCustomError("digits", "Ensure that there are no more than 100 digits in total.")
    if has_decimals_beyond(number, MAX_PLACES):
        raise PydanticCustomError("places", "Ensure that there are no more than 12 decimal places.")
    # Without the sign that a zero may have.
    return number if number else Decimal(0)


@cache
def currency_exponents() -> dict[str, int]:
    """Return the ISO 4217 codes that something can be sold in, with their number of decimals."""
    return {
        currency.code: currency.exponent
        for currency in iso4217.Currency
        if currency.exponent is not None and currency.code not in ("XXX", "XTS")
    }


def _currency(value: str) -> str:
    code = value.upper()
    if code not in currency_exponents():
        raise PydanticCustomError("currency", "{reason}", {"reason": not_a_choice(value)})
    return code


def _slug(value: str) -> str:
    if not SLUG.fullmatch(value):
        raise PydanticCustomError(
            "slug",
            "Enter a valid identifier of lower-case letters, digits, hyphens and underscores, "
            "beginning with a letter or a digit.",
        )
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_one = False
    if not is_one or any(character.isspace() for character in value):
        raise PydanticCustomError("url", "Enter a valid URL.")
    return value


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        # Within what every part of the way can hold.
        at = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise PydanticCustomError("instant", "Enter a valid instant with its time zone, such as 2025-06-04T06:03:30Z.")
    return at


def _day(value: Any) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        raise PydanticCustomError("day", "Enter a valid date.")
    return day


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the IANA database, of the same release on every machine."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


def _time_zone(value: str) -> str:
    if value not in time_zones():
        raise PydanticCustomError("time_zone", "{reason}", {"reason": not_a_choice(value)})
    return value


Flag = StrictBool


@dataclass(frozen=True, slots=True)
class Between:
    """Annotates an int: whole numbers between two bounds, both included."""

    least: int
    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic checks it."""
        bounded = core_schema.int_schema(ge=self.least, le=self.most)
        return core_schema.no_info_before_validator_function(_whole, bounded)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return how the document shows it."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


# What something costs, in the currency's major unit, exact to twelve decimals.
Amount = Annotated[
    Decimal,
    BeforeValidator(exact_number),
    Field(ge=0, le=MAX_AMOUNT),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_AMOUNT}),
]
# A moment, in ISO 8601 with its time zone.
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
# A day, in ISO 8601.
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
TimeZone = Annotated[
    str,
    AfterValidator(_time_zone),
    WithJsonSchema({"type": "string", "enum": sorted(time_zones())}),
]
# An exact decimal of an answer.
Number = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Currency = Annotated[
    str,
    AfterValidator(_currency),
    WithJsonSchema({"type": "string", "enum": sorted(currency_exponents())}),
]
Slug = Annotated[
    str,
    Field(max_length=255),
    AfterValidator(_slug),
    WithJsonSchema({"type": "string", "maxLength": 255, "pattern": f"^{SLUG.pattern}$"}),
]
WebAddress = Annotated[
    Description,
    Field(max_length=2000),
    AfterValidator(_web_address),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": 2000, "pattern": "^https?://[^\\s/?#]+"}),
]
Id = Annotated[UUID, WithJsonSchema({"type": "string", "format": "uuid"})]
# Uploads to attach, by the keys that POST /media/ answered with.
FileKeys = Annotated[list[Annotated[Text, Field(min_length=1)]], Field(max_length=100)]


class BillingAddress(Body):
    """An address that bills are made out to, or come from."""

    country: Country = Field(_ABSENT, description="ISO 3166-1 alpha-2 code of the country.", examples=["IN"])
    line1: Text = Field(_ABSENT, description="Address line 1.", examples=["123 Main Street"])
    line2: Text | None = Field(None, description="Address line 2.", examples=["Apt 4B"])
    postal_code: Text = Field(_ABSENT, description="The postal or ZIP code.", examples=["560001"])
    city: Text = Field(_ABSENT, description="The city name.", examples=["Bangalore"])
    state: Text = Field(_ABSENT, description="The state or province.", examples=["Karnataka"])

    def text(self) -> str:
        """Return the address as it is kept and answered: the fields that were given."""
        return dump(self.model_dump(by_alias=True, exclude_unset=True))
