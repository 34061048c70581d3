"""The operations on attempts."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.webhooks.attempts import rules, store
from kelviq_server.webhooks.attempts.schemas import (
    WebhookAttempt,
    WebhookEventLogListResponse,
    attempt_answer,
    details_answer,
)

operations = Operations("Webhooks", Access.SERVER)
_DATE = {"type": "string", "format": "date"}


@operations.add(
    "GET",
    "/webhook/logs/",
    "listWebhookEventLogs",
    summary="List webhook logs",
    answer=WebhookEventLogListResponse,
    parameters=(
        Parameter("start_date", _DATE, "Only attempts on this day, in UTC, or later; at most 30 days back."),
        Parameter("end_date", _DATE, "Only attempts on this day or earlier."),
        *page_parameters(),
    ),
    refuses=[InvalidFields, InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of the attempts to tell endpoints of events, newest first, of the last 30 days."""
    page = read_page(call.query)
    first, last = call.date("start_date"), call.date("end_date")
    async with reading(call.tenant) as tx:
        listed = await store.list_attempts(tx, rules.listed_days(first, last, tx.machine_now.date()), page)
    return list_answer(call, page, listed, [attempt_answer(attempt) for attempt in listed.results])


@operations.add(
    "GET",
    "/webhook/logs/{pk}/",
    "retrieveWebhookEventLog",
    summary="Retrieve a webhook log",
    answer=WebhookAttempt,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves an attempt of the last 30 days, with the answer that it got."""
    async with reading(call.tenant) as tx:
        days = rules.listed_days(None, None, tx.machine_now.date())
        attempt = await store.get_attempt(tx, call.uuid("pk"), days.first)
    return json_answer(details_answer(attempt))
