"""Endpoints as the wire spells them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Flag, WebAddress
from kelviq_server.platform.wire import Answer, Body, Description, not_a_choice, wire_instant
from kelviq_server.webhooks.endpoints.records import ANY_TYPE, DisabledReason, Endpoint, NewEndpoint, NewSecret
from kelviq_server.webhooks.log.records import EventType

_ABSENT: Any = None
_CHOICES = [ANY_TYPE, *EventType]


def _known(value: str) -> str:
    if value not in _CHOICES:
        raise PydanticCustomError("choice", "{reason}", {"reason": not_a_choice(value)})
    return value


def _tidy(values: list[str]) -> list[str]:
    """Return each type once; whoever wants all wants no other besides."""
    return [ANY_TYPE] if ANY_TYPE in values else list(dict.fromkeys(values))


EventTypes = Annotated[
    list[Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": _CHOICES})]],
    Field(min_length=1, max_length=len(_CHOICES)),
    AfterValidator(_tidy),
]


class WebhookEndpointUpdateRequest(Body):
    """Fields of an endpoint to change."""

    url: WebAddress = Field(_ABSENT, description="Where events are posted to.", examples=["https://example.com/hooks"])
    event_types: EventTypes = Field(
        _ABSENT, description="Which events are sent; `*` is all, those that are yet to come too.", examples=[["*"]]
    )
    description: Description = Field(_ABSENT, description="What the endpoint is for.")
    enabled: Flag = Field(_ABSENT, description="Whether events are sent. Enabling it anew forgets that it failed.")

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent."""
        return {("is_enabled" if name == "enabled" else name): getattr(self, name) for name in self.model_fields_set}


class WebhookEndpointCreateRequest(Body):
    """An endpoint to create."""

    url: WebAddress = Field(description="Where events are posted to.", examples=["https://example.com/hooks"])
    event_types: EventTypes = Field(
        [ANY_TYPE], description="Which events are sent; `*` is all, those that are yet to come too.", examples=[["*"]]
    )
    description: Description = Field("", description="What the endpoint is for.")
    enabled: Flag = Field(True, description="Whether events are sent.")

    def new_endpoint(self) -> NewEndpoint:
        """Return what the endpoint is made from."""
        return NewEndpoint(self.url, self.event_types, self.description, self.enabled)


class WebhookEndpoint(Answer):
    """An address that is told about events."""

    id: UUID = Field(description="The endpoint's UUID.")
    url: str = Field(description="Where events are posted to.")
    event_types: list[str] = Field(description="Which events are sent; `*` is all.")
    description: str = Field(description="What the endpoint is for.")
    enabled: bool = Field(description="Whether events are sent.")
    disabled_reason: DisabledReason | None = Field(
        description="Why not: REQUESTED by you, GONE (it answered 410), or FAILING (nothing got through for 72 hours)."
    )
    disabled_on: datetime | None = Field(description="Since when not.")
    failing_since: datetime | None = Field(
        description="The first failure since the last success; null while all is well."
    )
    waiting_since: datetime | None = Field(description="Since when the oldest event waits that it has not taken yet.")
    secret_start: str = Field(description="The first 12 characters of the signing secret.", examples=["kq_whsec_1a2"])
    created_on: datetime = Field(description="When the endpoint was created.")
    modified_on: datetime = Field(description="When you last changed it.")


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint and its signing secret, which is shown this once."""

    secret: str = Field(description="What deliveries are signed with. It is not shown again.")


class PaginatedWebhookEndpoints(ListAnswer):
    """One page of the endpoints, newest first."""

    results: list[WebhookEndpoint] = Field(description="The endpoints of this page.")


def endpoint_answer(endpoint: Endpoint, secret: NewSecret | None = None) -> dict[str, Any]:
    """Return an endpoint as the API answers with it, with its secret where that is new."""
    answer = {
        "id": endpoint.id,
        "url": endpoint.url,
        "eventTypes": endpoint.event_types,
        "description": endpoint.description,
        "enabled": endpoint.is_enabled,
        "disabledReason": endpoint.disabled_reason,
        "disabledOn": _instant(endpoint.disabled_at),
        "failingSince": _instant(endpoint.failing_since),
        "waitingSince": _instant(endpoint.waiting_since),
        "secretStart": endpoint.secret_start,
        "createdOn": wire_instant(endpoint.created_at),
        "modifiedOn": wire_instant(endpoint.modified_at),
    }
    return answer if secret is None else {**answer, "secret": secret.plain}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else wire_instant(at)
