"""The operations that tell something on request."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations
from kelviq_server.webhooks.attempts.schemas import WebhookAttempt, details_answer
from kelviq_server.webhooks.deliveries.actions.replay_events import replay_events
from kelviq_server.webhooks.deliveries.actions.resend_event import resend_event
from kelviq_server.webhooks.deliveries.actions.send_test_event import send_test_event
from kelviq_server.webhooks.deliveries.errors import NobodyListens, TestUnderWay, TooManyEvents
from kelviq_server.webhooks.deliveries.jobs import queued
from kelviq_server.webhooks.deliveries.schemas import WebhookQueued, WebhookReplayRequest, WebhookResendRequest
from kelviq_server.webhooks.endpoints.errors import EndpointDisabled, UnknownEndpoint

operations = Operations("Webhooks", Access.SERVER)


@operations.add(
    "POST",
    "/webhook/endpoints/{pk}/test/",
    "testWebhookEndpoint",
    summary="Send a test event",
    answer=WebhookAttempt,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, TestUnderWay],
)
async def test(call: Call[None]) -> Response:
    """Sends a `webhook.test` event to this endpoint, waits up to 10 seconds, and returns what came of it.

    It is tried once, also where the endpoint is disabled, and a failure is not held against it.
    """
    return json_answer(details_answer(await send_test_event(call.tenant, call.uuid("pk"))))


@operations.add(
    "POST",
    "/webhook/endpoints/{pk}/replay/",
    "replayWebhookEvents",
    summary="Replay events to an endpoint",
    body=WebhookReplayRequest,
    status=202,
    answer=WebhookQueued,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, EndpointDisabled, TooManyEvents],
)
async def replay(call: Call[WebhookReplayRequest]) -> Response:
    """Tells an endpoint the events of a range of time once more, in their order: those of the types that it wants."""
    count = await replay_events(call.tenant, call.uuid("pk"), call.body.replay())
    queued.ring()
    return json_answer({"queued": count}, 202)


@operations.add(
    "POST",
    "/webhook/events/{pk}/resend/",
    "resendWebhookEvent",
    summary="Resend an event",
    body=WebhookResendRequest,
    is_body_required=False,
    status=202,
    answer=WebhookQueued,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, UnknownEndpoint, EndpointDisabled, NobodyListens],
)
async def resend(call: Call[WebhookResendRequest]) -> Response:
    """Tells an event once more. Where it still waits for its next attempt, that is made at once."""
    count = await resend_event(call.tenant, call.uuid("pk"), call.body.endpoint)
    queued.ring()
    return json_answer({"queued": count}, 202)
