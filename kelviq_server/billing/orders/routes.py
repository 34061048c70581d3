"""The operations on orders."""

from starlette.responses import Response

from kelviq_server.billing.orders import steps, store
from kelviq_server.billing.orders.records import BillingType, OrderFilter, OrderStatus
from kelviq_server.billing.orders.schemas import (
    OrderEventListResponse,
    OrderListResponse,
    OrderResponse,
    event_answer,
    order_answer,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import DATES, list_answer, search_parameter
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page

operations = Operations("Orders", Access.SERVER)
event_operations = Operations("Order Events", Access.SERVER)
_FILTERS = (
    Parameter("status", {"type": "string", "enum": list(OrderStatus)}, "Only those of this status."),
    Parameter("billing_type", {"type": "string", "enum": list(BillingType)}, "Only those paid so."),
    Parameter("is_renewal", {"type": "boolean"}, "Only renewals, or only what is none."),
)


@operations.add(
    "GET",
    "/orders/",
    "listOrders",
    summary="List orders",
    answer=OrderListResponse,
    parameters=(search_parameter("id", "name", "email", "customerId"), *_FILTERS, *DATES, *page_parameters()),
    refuses=[InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of orders, the newest paid first; those whose payment is on its way are left out."""
    page = read_page(call.query)
    wanted = OrderFilter(
        terms=terms(call.query.get("search", "")),
        status=call.choice("status", OrderStatus),
        billing_type=call.choice("billing_type", BillingType),
        is_renewal=call.flag("is_renewal"),
        start_date=call.date("start_date"),
        end_date=call.date("end_date"),
    )
    async with reading(call.tenant) as tx:
        listed = await store.list_orders(tx, wanted, page)
        wholes = await steps.shown_wholes_of(tx, listed.results)
    return list_answer(call, page, listed, [order_answer(whole, call.base_url) for whole in wholes])


@operations.add(
    "GET",
    "/orders/{id}/",
    "retrieveOrder",
    summary="Retrieve an order",
    answer=OrderResponse,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves an order by its id."""
    async with reading(call.tenant) as tx:
        [whole] = await steps.shown_wholes_of(tx, [await store.get_order(tx, call.path("id"))])
    return json_answer(order_answer(whole, call.base_url))


@event_operations.add(
    "GET",
    "/orders/{id}/events/",
    "listOrderEvents",
    summary="List order events",
    answer=OrderEventListResponse,
    parameters=page_parameters(),
    refuses=[NotFound, InvalidPage],
)
async def list_events(call: Call[None]) -> Response:
    """Returns what happened to an order, and to all orders of the same subscription, newest first."""
    page = read_page(call.query)
    async with reading(call.tenant) as tx:
        listed = await store.list_events(tx, await store.get_order(tx, call.path("id")), page)
    return list_answer(call, page, listed, [event_answer(event) for event in listed.results])
