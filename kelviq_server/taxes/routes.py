"""The operations on tax rates."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.wire import InvalidFields, country_codes
from kelviq_server.taxes import store
from kelviq_server.taxes.actions.add_rate import add_rate
from kelviq_server.taxes.actions.end_rate import end_rate
from kelviq_server.taxes.errors import RateInThePast, RateIsPackaged, TooManyRates
from kelviq_server.taxes.schemas import (
    PaginatedTaxRates,
    TaxRateCreateRequest,
    TaxRateResponse,
    rate_answer,
    read_place,
)

operations = Operations("Taxes", Access.SERVER)
FILTERS = (
    Parameter(
        "country",
        {"type": "string", "enum": sorted(country_codes())},
        "Only rates of this country, by its ISO 3166-1 alpha-2 code.",
    ),
    Parameter(
        "state", {"type": "string"}, "Only rates of this state of the `country` US or CA, by its code or its name."
    ),
    Parameter("date", {"type": "string", "format": "date"}, "Only rates that are in force on this day."),
)


@operations.add(
    "GET",
    "/tax/rates/",
    "listTaxRates",
    summary="List tax rates",
    answer=PaginatedTaxRates,
    parameters=(*FILTERS, *page_parameters()),
    refuses=[InvalidPage, InvalidFields],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of tax rates: your own, newest first, then the packaged ones by country."""
    page, day = read_page(call.query), call.date("date")
    country, state = read_place(call.query)
    async with reading(call.tenant) as tx:
        listed = await store.list_rates(tx, page, country, state, day)
    return list_answer(call, page, listed, [rate_answer(rate) for rate in listed.results])


@operations.add(
    "POST",
    "/tax/rates/",
    "createTaxRate",
    summary="Create a tax rate",
    body=TaxRateCreateRequest,
    status=201,
    answer=TaxRateResponse,
    refuses=[RateInThePast, TooManyRates],
)
async def create(call: Call[TaxRateCreateRequest]) -> Response:
    """Adds a rate of your own. The one that you had for the same place and tax code ends when it begins."""
    return json_answer(rate_answer(await add_rate(call.tenant, call.body.new_rate())), 201)


@operations.add(
    "GET",
    "/tax/rates/{pk}/",
    "retrieveTaxRate",
    summary="Retrieve a tax rate",
    answer=TaxRateResponse,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a tax rate."""
    async with reading(call.tenant) as tx:
        rate = await store.get_rate(tx, call.uuid("pk"))
    return json_answer(rate_answer(rate))


@operations.add(
    "DELETE",
    "/tax/rates/{pk}/",
    "deleteTaxRate",
    summary="Delete a tax rate",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, RateIsPackaged],
)
async def delete(call: Call[None]) -> Response:
    """Ends a rate of your own today, or deletes it where it is not in force yet. What was taxed with it stands."""
    await end_rate(call.tenant, call.uuid("pk"))
    return empty_answer()
