"""What is told once more, as the wire spells it."""

from typing import Annotated

from pydantic import Field

from kelviq_server.platform.values import Id, Instant
from kelviq_server.platform.wire import Answer, Body
from kelviq_server.webhooks.deliveries.records import Replay
from kelviq_server.webhooks.log.records import EventType


class WebhookResendRequest(Body):
    """To whom an event is told once more."""

    endpoint: Id | None = Field(None, description="One endpoint; without it, all enabled ones that want such events.")


class WebhookReplayRequest(Body):
    """Which events are told once more."""

    start: Instant = Field(description="Events that happened then or later.", examples=["2026-04-01T00:00:00Z"])
    end: Instant | None = Field(None, description="And before then; without it, all up to now.")
    event_types: Annotated[list[EventType], Field(min_length=1, max_length=len(EventType))] | None = Field(
        None, description="Only these types; without it, all that the endpoint wants."
    )

    def replay(self) -> Replay:
        """Return it as it is carried out."""
        return Replay(self.start, self.end, self.event_types)


class WebhookQueued(Answer):
    """How much is on its way now."""

    queued: int = Field(description="How many deliveries that are.")
