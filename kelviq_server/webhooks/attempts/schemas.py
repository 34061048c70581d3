"""Attempts as the wire spells them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.wire import Answer, wire_instant
from kelviq_server.webhooks.attempts.records import AttemptDetails, AttemptEntry


class WebhookEventLogResponse(Answer):
    """One attempt to tell an endpoint of an event."""

    id: UUID = Field(description="The attempt's UUID.")
    event_id: UUID = Field(description="The event's UUID, which all attempts to tell it share.")
    endpoint: UUID = Field(description="The endpoint's UUID.")
    event_type: str = Field(description="What happened.", examples=["customer.created"])
    status_code: int | None = Field(description="The HTTP status of the answer; null where there was none.")
    is_success: bool = Field(description="Whether the endpoint took it: a status from 200 to 299.")
    retry_count: int = Field(description="How many attempts came before this one.")
    last_attempt: datetime = Field(description="When this attempt was made; what the list is filtered by.")
    created_on: datetime = Field(description="When the event happened.")
    payload: dict[str, Any] = Field(description="The event, word for word as it was sent.")


class WebhookAttempt(WebhookEventLogResponse):
    """An attempt with all that is known about it."""

    milliseconds: int = Field(description="How long it took.")
    failure: str | None = Field(description="Why there was no answer; null where there was one.")
    response_body: str | None = Field(description="The first 4 KiB of the answer.")


class WebhookEventLogListResponse(ListAnswer):
    """One page of the attempts, newest first."""

    results: list[WebhookEventLogResponse] = Field(description="The attempts of this page.")


def attempt_answer(attempt: AttemptEntry) -> dict[str, Any]:
    """Return an attempt as the API answers with it."""
    return {
        "id": attempt.id,
        "eventId": attempt.event_id,
        "endpoint": attempt.endpoint_id,
        "eventType": attempt.type,
        "statusCode": attempt.status_code,
        "isSuccess": attempt.is_success,
        "retryCount": attempt.retry_count,
        "lastAttempt": wire_instant(attempt.attempted_at),
        "createdOn": wire_instant(attempt.created_at),
        "payload": attempt.payload,
    }


def details_answer(attempt: AttemptDetails) -> dict[str, Any]:
    """Return an attempt with all that is known about it."""
    return {
        **attempt_answer(attempt),
        "milliseconds": attempt.milliseconds,
        "failure": attempt.failure,
        "responseBody": attempt.answer,
    }
