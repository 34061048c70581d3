"""The operations on invoices."""

from starlette.responses import Response

from kelviq_server.billing.invoices import store
from kelviq_server.billing.invoices.schemas import InvoiceListResponse, InvoiceResponse, invoice_answer
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Invoices", Access.SERVER)


@operations.add(
    "GET",
    "/invoices/",
    "listInvoices",
    summary="List invoices",
    answer=InvoiceListResponse,
    parameters=(Parameter("order_id", {"type": "string"}, "Only those of this order."), *page_parameters()),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of the issued invoices, the highest number first."""
    page = read_page(call.query)
    async with reading(call.tenant) as tx:
        listed = await store.list_invoices(tx, call.text("order_id"), page)
    return list_answer(call, page, listed, [invoice_answer(invoice) for invoice in listed.results])


@operations.add(
    "GET",
    "/invoices/{id}/",
    "retrieveInvoice",
    summary="Retrieve an invoice",
    answer=InvoiceResponse,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves an issued invoice with its lines, buyer and seller as they were, and its credit notes."""
    async with reading(call.tenant) as tx:
        invoice = await store.get_invoice(tx, call.path("id"))
    return json_answer(invoice_answer(invoice))
