"""The log as the wire spells it: the envelopes in snake_case, just as they are sent."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Raw
from pydantic import BaseModel, Field

from kelviq_server.platform.wire import Answer
from kelviq_server.webhooks.log.records import LogPage


class WebhookEvent(BaseModel):
    """An event, word for word as it is sent to endpoints: with keys in snake_case."""

    id: UUID = Field(description="Names the event for ever; sent as the header `webhook-id`, too.")
    type: str = Field(description="What happened.", examples=["customer.created"])
    created_at: datetime = Field(description="When it happened.")
    data: dict[str, Any] = Field(description="`object`, and for updates `previous_attributes`.")


class WebhookEventLog(Answer):
    """A part of the log, oldest first."""

    results: list[WebhookEvent] = Field(description="The events.")
    cursor: UUID | None = Field(description="Where to read on: the id of the last event here, else the one you sent.")
    next: str | None = Field(
        description="Address of what comes after; null when that was all for now.", json_schema_extra={"format": "uri"}
    )


def log_answer(page: LogPage, after: UUID | None, next_address: str | None) -> dict[str, Any]:
    """Return a part of the log as the API answers with it."""
    return {
        "results": [Raw(event.body) for event in page.events],
        "cursor": page.events[-1].id if page.events else after,
        "next": next_address,
    }
