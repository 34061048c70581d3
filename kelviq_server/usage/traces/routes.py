"""The operation that says what became of a report."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.usage.traces.actions.trace_report import trace_report
from kelviq_server.usage.traces.schemas import ReportTraceResponse, trace_answer

operations = Operations("Reporting", Access.SERVER)


@operations.add(
    "GET",
    "/report/event/{key}/",
    "retrieveReport",
    summary="Find out what became of a report",
    answer=ReportTraceResponse,
    refuses=[NotFound],
    ends_in_text=True,
)
async def retrieve(call: Call[None]) -> Response:
    """Says what was counted of a report for which meter, subscription and day, and why others did not count it.

    By its `idempotencyKey`, encoded as it must be in a path: the one that was sent, or that the answer had. What was
    refused is not kept.
    """
    return json_answer(trace_answer(await trace_report(call.tenant, call.path("key"))))
