"""The operations that report usage."""

from starlette.responses import Response

from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.idempotency import sent_key
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.usage.counting.errors import NothingLeft, PeriodOver, TooMuch
from kelviq_server.usage.reports.actions.record_report import record_report
from kelviq_server.usage.reports.actions.record_reports import record_reports
from kelviq_server.usage.reports.errors import (
    CountsEvents,
    KeyOfAnother,
    LessThanNothing,
    NoMeter,
    NoSuchCustomer,
    NoSuchFeature,
    NotYet,
    TooLongAgo,
)
from kelviq_server.usage.reports.schemas import (
    BatchResponse,
    ReportEventBatchRequest,
    ReportEventRequest,
    ReportEventResponse,
    ReportUsageBatchRequest,
    ReportUsageRequest,
    ReportUsageResponse,
    batch_answer,
    event_answer,
    read_each,
    readable,
    usage_answer,
)

operations = Operations("Reporting", Access.SERVER)
_KEPT = (NoSuchCustomer, NotYet, TooLongAgo, KeyOfAnother)
_COUNTED = (NoSuchFeature, NoMeter, CountsEvents, LessThanNothing, PeriodOver, NothingLeft, TooMuch)


@operations.add(
    "POST",
    "/report/usage/",
    "reportUsage",
    summary="Report usage that you have added up",
    body=ReportUsageRequest,
    answer=ReportUsageResponse,
    refuses=(*_KEPT, *_COUNTED),
    has_own_keys=True,
)
async def report_usage(call: Call[ReportUsageRequest]) -> Response:
    """Counts usage of a METER by a customer, durably, before it answers; the next read of entitlements has it.

    Usage is drawn from the subscription whose meter begins again soonest. It is never refused for going beyond a limit,
    unless `enforce` asks for that. What no subscription grants is counted too, and shows once one grants it.
    """
    report = call.body.report(sent_key(call.request))
    return json_answer(usage_answer(report, await record_report(call.tenant, report)))


@operations.add(
    "POST",
    "/report/event/",
    "reportEvent",
    summary="Report a raw event",
    body=ReportEventRequest,
    answer=ReportEventResponse,
    refuses=(*_KEPT, TooMuch),
)
async def report_event(call: Call[ReportEventRequest]) -> Response:
    """Keeps an event for ever, and counts it for each meter whose filters it passes.

    The same event sent again, under the same key, is answered as it was the first time and not counted again.
    """
    report = call.body.report()
    return json_answer(event_answer(report, await record_report(call.tenant, report)))


@operations.add(
    "POST",
    "/report/usage/batch/",
    "reportUsageBatch",
    summary="Report usage, many at once",
    body=ReportUsageBatchRequest,
    answer=BatchResponse,
)
async def report_usage_batch(call: Call[ReportUsageBatchRequest]) -> Response:
    """Counts up to 1,000 reports in their order, and answers each on its own: one that is refused stops no other.

    What is answered with 200 is durable. To send a batch again without counting anything twice, give each its key.
    """
    reports = read_each(ReportUsageRequest, call.body.reports)
    return json_answer(batch_answer(reports, await record_reports(call.tenant, readable(reports)), usage_answer))


@operations.add(
    "POST",
    "/report/event/batch/",
    "reportEventBatch",
    summary="Report raw events, many at once",
    body=ReportEventBatchRequest,
    answer=BatchResponse,
)
async def report_event_batch(call: Call[ReportEventBatchRequest]) -> Response:
    """Keeps and counts up to 1,000 events in their order; answers each on its own, as `POST /report/event/` does."""
    reports = read_each(ReportEventRequest, call.body.events)
    return json_answer(batch_answer(reports, await record_reports(call.tenant, readable(reports)), event_answer))
