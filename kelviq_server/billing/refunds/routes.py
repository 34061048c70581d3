"""The operations on refunds."""

from starlette.responses import Response

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.refunds import store
from kelviq_server.billing.refunds.actions.create_refund import create_refund
from kelviq_server.billing.refunds.errors import NothingToRefund, RefundRefused, RefundTooFine, RefundTooLarge
from kelviq_server.billing.refunds.records import RefundFilter, RefundStatus
from kelviq_server.billing.refunds.schemas import (
    RefundCreateRequest,
    RefundListResponse,
    RefundResponse,
    refund_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import DATES, list_answer, search_parameter
from kelviq_server.platform.operations import UUID_SCHEMA, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Refunds", Access.SERVER)
_STATUS = Parameter("status", {"type": "string", "enum": list(RefundStatus)}, "Only those of this status.")


@operations.add(
    "GET",
    "/refunds/",
    "listRefunds",
    summary="List refunds",
    answer=RefundListResponse,
    parameters=(search_parameter("id", "orderId", "name", "email", "customerId"), _STATUS, *DATES, *page_parameters()),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of refunds, newest first."""
    page = read_page(call.query)
    wanted = RefundFilter(
        terms(call.query.get("search", "")),
        call.choice("status", RefundStatus),
        call.date("start_date"),
        call.date("end_date"),
    )
    async with reading(call.tenant) as tx:
        listed = await store.list_refunds(tx, wanted, page)
        wholes = await orders.wholes_by_id(tx, [refund.order_id for refund in listed.results])
    answers = [refund_answer(refund, wholes[refund.order_id], call.base_url) for refund in listed.results]
    return list_answer(call, page, listed, answers)


@operations.add(
    "POST",
    "/refunds/",
    "createRefund",
    summary="Create a refund",
    body=RefundCreateRequest,
    answer=RefundResponse,
    refuses=[NotFound, NothingToRefund, RefundTooLarge, RefundTooFine, RefundRefused],
    refusal_key="error",
    resumes=True,
)
async def create(call: Call[RefundCreateRequest]) -> Response:
    """Gives money of an order back: so much, or all that is left. All refunds never come to more than was paid."""
    refund = await create_refund(call.tenant, call.body.new_refund(call.claim_id))
    async with reading(call.tenant) as tx:
        wholes = await orders.wholes_by_id(tx, [refund.order_id])
    return json_answer(refund_answer(refund, wholes[refund.order_id], call.base_url))


@operations.add(
    "GET",
    "/refunds/{refundId}/",
    "retrieveRefund",
    summary="Retrieve a refund",
    answer=RefundResponse,
    path_schemas={"refundId": UUID_SCHEMA},
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a refund."""
    async with reading(call.tenant) as tx:
        refund = await store.get_refund(tx, call.uuid("refundId"))
        wholes = await orders.wholes_by_id(tx, [refund.order_id])
    return json_answer(refund_answer(refund, wholes[refund.order_id], call.base_url))
