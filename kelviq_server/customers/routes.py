"""The five customer operations."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import MAX_CHARACTERS, SearchTooLong, terms
from kelviq_server.customers import store
from kelviq_server.customers.actions.archive_customer import archive_customer
from kelviq_server.customers.actions.create_customer import create_customer
from kelviq_server.customers.actions.update_customer import update_customer
from kelviq_server.customers.errors import CustomerExists, CustomerHasSubscription
from kelviq_server.customers.schemas import (
    CustomerCreateRequest,
    CustomerListResponse,
    CustomerResponse,
    CustomerUpdateRequest,
    list_parts,
)
from kelviq_server.platform.answers import empty_answer, parts_answer, raw_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, links, page_parameters, read_page

DEFAULT_PAGE_SIZE = 1000
MAXIMUM_PAGE_SIZE = 10_000

operations = Operations("Customers", Access.SERVER)
SEARCH = Parameter(
    "search",
    {"type": "string", "maxLength": MAX_CHARACTERS},
    "Free-text search across the customer's `name`, `email` and `customerId`: every word, or phrase in "
    "quotation marks, must occur in one of them, upper or lower case.",
)


@operations.add(
    "GET",
    "/customers/",
    "listCustomers",
    summary="List customers",
    answer=CustomerListResponse,
    parameters=(SEARCH, *page_parameters(DEFAULT_PAGE_SIZE, MAXIMUM_PAGE_SIZE)),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Retrieves a paginated list of customers, newest first, optionally those that a search finds."""
    page = read_page(call.query, default_size=DEFAULT_PAGE_SIZE, maximum_size=MAXIMUM_PAGE_SIZE)
    sought = terms(call.query.get("search", ""))
    async with reading(call.tenant) as tx:
        if sought:
            found = await store.search_customers(tx, sought, page.offset, page.size)
        else:
            found = await store.list_customers(tx, page.offset, page.size)
    following, preceding = links(call, page.settle(found.count), page.size, found.count)
    return parts_answer(list_parts(found, following, preceding))


@operations.add(
    "POST",
    "/customers/",
    "createCustomer",
    summary="Create a customer",
    body=CustomerCreateRequest,
    status=201,
    answer=CustomerResponse,
    refuses=[CustomerExists],
)
async def create(call: Call[CustomerCreateRequest]) -> Response:
    """Creates a customer under your own `customerId`."""
    customer = await create_customer(call.tenant, call.body.new_customer())
    return raw_answer(customer.document, 201)


@operations.add(
    "GET",
    "/customers/{customerId}/",
    "retrieveCustomer",
    summary="Retrieve a customer",
    answer=CustomerResponse,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a customer by your `customerId`."""
    async with reading(call.tenant) as tx:
        customer = await store.get_customer(tx, call.path("customerId"))
    return raw_answer(customer.document)


@operations.add(
    "PATCH",
    "/customers/{customerId}/",
    "updateCustomer",
    summary="Update a customer",
    body=CustomerUpdateRequest,
    answer=CustomerResponse,
    refuses=[NotFound],
)
async def update(call: Call[CustomerUpdateRequest]) -> Response:
    """Changes the fields that are sent; `metadata` and `billingAddress` are replaced whole."""
    customer = await update_customer(call.tenant, call.path("customerId"), call.body.sent())
    return raw_answer(customer.document)


@operations.add(
    "DELETE",
    "/customers/{customerId}/",
    "archiveCustomer",
    summary="Archive a customer",
    status=204,
    refuses=[NotFound, CustomerHasSubscription],
)
async def archive(call: Call[None]) -> Response:
    """Takes the customer out of every list. The `customerId` cannot be used again."""
    await archive_customer(call.tenant, call.path("customerId"))
    return empty_answer()
