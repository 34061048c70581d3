"""Tax rates as the wire spells them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Day, Number, exact_number
from kelviq_server.platform.wire import Answer, Body, Country, Name, Text, country_codes, not_a_choice, refuse_faults
from kelviq_server.taxes.records import STATED, NewTaxRate, TaxCode, TaxRate
from kelviq_server.taxes.rules import state_code

_ABSENT: Any = None
_NO_STATES = "Only rates of the US and of Canada are told apart by state."

Percent = Annotated[
    Decimal,
    BeforeValidator(exact_number),
    Field(ge=0, le=100),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]


class TaxRateCreateRequest(Body):
    """A tax rate of your own, which comes before the packaged ones of its country."""

    country: Country = Field(description="ISO 3166-1 alpha-2 code of the country.", examples=["DE"])
    state: Text | None = Field(
        None,
        description="A state of the US or a province of Canada, by its code or its name. Without one, the rate is for "
        "all states that have no rate of your own.",
        examples=["CA"],
    )
    tax_code: TaxCode | None = Field(
        None, description="The kind of product it is for; without one, all that have no rate of your own."
    )
    rate_percent: Percent = Field(description="The rate in percent.", examples=[19])
    name: Name = Field(description="What invoices call the tax.", examples=["VAT"])
    valid_from: Day = Field(
        _ABSENT, description="The first day on which it is in force, today at the earliest, which is the default."
    )

    def new_rate(self) -> NewTaxRate:
        """Return what the rate is made from; raises InvalidFields for a state that is none."""
        state = _state(self.country, self.state)
        return NewTaxRate(self.country, state, self.tax_code, self.rate_percent, self.name, self.valid_from)


class TaxRateResponse(Answer):
    """A tax rate."""

    id: UUID = Field(description="The rate's UUID.")
    country: str = Field(description="ISO 3166-1 alpha-2 code of the country.")
    state: str | None = Field(description="The state's code; null for the whole country.")
    tax_code: TaxCode | None = Field(description="The kind of product it is for; null for every one.")
    rate_percent: Number = Field(description="The rate in percent.")
    name: str = Field(description="What invoices call the tax.")
    valid_from: date = Field(description="The first day on which it is in force.")
    valid_until: date | None = Field(description="The first day on which it no longer is; null while no end is known.")
    packaged: bool = Field(description="Whether it came with the server. Your own rates come before these.")
    source: str | None = Field(description="Where a packaged rate comes from.")


class PaginatedTaxRates(ListAnswer):
    """One page of the tax rates: your own, newest first, then the packaged ones by country."""

    results: list[TaxRateResponse] = Field(description="The rates of this page.")


def read_place(query: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the country and the state that a list is asked for; raises InvalidFields for what is none."""
    country = query.get("country")
    if country is not None:
        country = country.upper()
        if country not in country_codes():
            refuse_faults([(("country",), not_a_choice(country))])
    return country, _state(country, query.get("state"))


def _state(country: str | None, text: str | None) -> str | None:
    if not text:
        return None
    state = None if country is None else state_code(country, text)
    if state is None:
        refuse_faults([(("state",), not_a_choice(text) if country in STATED else _NO_STATES)])
    return state


def rate_answer(rate: TaxRate) -> dict[str, Any]:
    """Return a rate as the API answers with it."""
    return {
        "id": rate.id,
        "country": rate.country,
        "state": rate.state,
        "taxCode": rate.tax_code,
        "ratePercent": rate.rate_percent,
        "name": rate.name,
        "validFrom": rate.valid_from,
        "validUntil": rate.valid_until,
        "packaged": rate.source is not None,
        "source": rate.source,
    }
