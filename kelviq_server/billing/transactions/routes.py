"""The operation on transactions."""

from starlette.responses import Response

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.transactions import store
from kelviq_server.billing.transactions.records import TransactionFilter, TransactionStatus
from kelviq_server.billing.transactions.schemas import TransactionListResponse, transaction_answer
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.platform.database import current_time, reading
from kelviq_server.platform.listing import DATES, list_answer, search_parameter
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Transactions", Access.SERVER)
_SEARCH = search_parameter(
    "the payment gateway's id", "name", "email", "customerId", "orderId", "product", "payment method"
)
_STATUS = Parameter("status", {"type": "string", "enum": list(TransactionStatus)}, "Only those of this status.")


@operations.add(
    "GET",
    "/transaction/",
    "listTransactions",
    summary="List transactions",
    answer=TransactionListResponse,
    parameters=(_SEARCH, _STATUS, *DATES, *page_parameters()),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of transactions, newest first: charges and refunds, with what is kept of them."""
    page = read_page(call.query)
    wanted = TransactionFilter(
        terms(call.query.get("search", "")),
        call.choice("status", TransactionStatus),
        call.date("start_date"),
        call.date("end_date"),
    )
    today = (await current_time(call.tenant)).date()
    async with reading(call.tenant) as tx:
        listed = await store.list_transactions(tx, wanted, page)
        wholes = await orders.wholes_by_id(tx, [each.order_id for each in listed.results])
    answers = [transaction_answer(each, wholes[each.order_id], today, call.base_url) for each in listed.results]
    return list_answer(call, page, listed, answers)
