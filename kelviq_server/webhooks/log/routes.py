"""The operations that read the log."""

from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.platform.answers import json_answer, raw_answer
from kelviq_server.platform.database import Tx, reading
from kelviq_server.platform.json_body import text_fault
from kelviq_server.platform.operations import UUID_IN_PATH, UUID_SCHEMA, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import read_size, size_parameter
from kelviq_server.platform.wire import InvalidFields, not_a_choice
from kelviq_server.webhooks.log import store
from kelviq_server.webhooks.log.errors import UnknownCursor
from kelviq_server.webhooks.log.records import EventType, LogPage
from kelviq_server.webhooks.log.schemas import WebhookEvent, WebhookEventLog, log_answer

operations = Operations("Webhooks", Access.SERVER)
DEFAULT_SIZE, MAX_SIZE = 100, 100
# What the log has besides what endpoints can ask for.
_TYPES = [*EventType, "webhook.test"]


@operations.add(
    "GET",
    "/webhook/events/",
    "listWebhookEvents",
    summary="Read the log of events",
    answer=WebhookEventLog,
    parameters=(
        Parameter("after", UUID_SCHEMA, "The event after which to read on: the `cursor` of the part before."),
        Parameter("type", {"type": "string", "enum": _TYPES}, "Only events of this type."),
        Parameter("customer_id", {"type": "string"}, "Only events of this customer: by your `customerId`, or by UUID."),
        size_parameter(DEFAULT_SIZE, MAX_SIZE),
    ),
    refuses=[InvalidFields, UnknownCursor],
)
async def read_on(call: Call[None]) -> Response:
    """Returns what was announced during the last 30 days, oldest first, for those who would rather fetch than be told.

    Nothing ever appears in between: who remembers the `cursor` and sends it as `after` misses nothing.
    """
    after, event_type = call.query_uuid("after"), call.query.get("type")
    if event_type is not None and event_type not in _TYPES:
        raise InvalidFields({"type": [not_a_choice(event_type)]})
    size = read_size(call.query, default_size=DEFAULT_SIZE, maximum_size=MAX_SIZE)
    async with reading(call.tenant) as tx:
        customer = call.query.get("customer_id") or None
        customer_id = None if customer is None else await _customer_id(tx, customer)
        if customer is not None and customer_id is None:
            page = LogPage([], has_more=False)
        else:
            page = await store.list_events(tx, after, event_type, customer_id, size)
    if page is None:
        raise UnknownCursor
    following = _address_after(call, page.events[-1].id) if page.has_more else None
    return json_answer(log_answer(page, after, following))


@operations.add(
    "GET",
    "/webhook/events/{pk}/",
    "retrieveWebhookEvent",
    summary="Retrieve an event",
    answer=WebhookEvent,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves an event of the last 30 days, word for word as it is sent."""
    async with reading(call.tenant) as tx:
        body = await store.get_body(tx, call.uuid("pk"))
    return raw_answer(body)


async def _customer_id(tx: Tx, text: str) -> UUID | None:
    """Return our id of the customer: by the merchant's, else the text is ours, as payloads name it, or nobody's."""
    if text_fault(text):
        return None
    found = await customers.find_customer_id(tx, text)
    try:
        return found or UUID(text)
    except ValueError:
        return None


def _address_after(call: Call[None], id: UUID) -> str:
    others = [(name, value) for name, value in call.request.query_params.multi_items() if name != "after"]
    return f"{call.base_url}{call.request.url.path}?{urlencode([*others, ('after', id)])}"
