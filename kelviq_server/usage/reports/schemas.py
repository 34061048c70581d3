"""Reports as the wire spells them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Raw
from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.core.allowance import Enforce
from kelviq_server.core.errors import Refusal
from kelviq_server.platform.answers import refusal_content
from kelviq_server.platform.values import MAX_INT, Between
from kelviq_server.platform.wire import (
    Answer,
    Body,
    Identifier,
    InvalidFields,
    Name,
    Text,
    free_form,
    read_body,
    wire_usage_instant,
)
from kelviq_server.usage.reports.records import Accepted, Behaviour, Outcome, Report

MAX_BATCH = 1000
Key = Annotated[Text, Field(min_length=1, max_length=255)]


def _instant(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = at and (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise PydanticCustomError("instant", "Enter a valid instant, such as 2025-05-22 08:27:45.430732, in UTC.")
    return at


@dataclass(frozen=True, slots=True)
class _Properties:
    """Properties as they came: read, and as the text that is kept."""

    values: dict[str, Any]
    text: str


# Read once, since there may be very many.
Properties = Annotated[
    Any,
    BeforeValidator(lambda value: _Properties(value, free_form(value))),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]
_SORTED = msgspec.json.Encoder(decimal_format="number", order="sorted")
UsageInstant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string"})]


class ReportUsageRequest(Body):
    """So much usage of a feature by a customer, added up by you."""

    value: Annotated[int, Between(-MAX_INT, MAX_INT)] = Field(description="How much, in whole units.", examples=[150])
    customer_id: Identifier = Field(description="Who used it: your own id of the customer.", examples=["customer_001"])
    feature_id: Name = Field(description="The identifier of a METER feature.", examples=["api-calls"])
    behaviour: Behaviour = Field(
        description="DELTA is added to what was used in the current period, never below zero; SET replaces it."
    )
    resource_id: Name | None = Field(None, description="What it was used with, as you name it.")
    timestamp: UsageInstant | None = Field(
        None,
        description="When it was used, in UTC; now if missing. At the most 90 days ago, and 5 minutes ahead."
        " Usage of a period that is over does not count in the current one, and is charged with the next invoice.",
        examples=["2025-05-22 08:27:45.430732"],
    )
    idempotency_key: Key | None = Field(
        None, description="Your key for this report: sent again, it is counted once, for ever. Else `Idempotency-Key`."
    )
    enforce: Enforce | None = Field(
        None,
        description="What becomes of what goes beyond the limit: `reject` counts nothing (400), `cap` counts what is"
        " left, `overflow` counts it all and says how much was beyond. Without it everything is counted.",
    )

    def report(self, header: str | None = None) -> Report:
        """Return it as it is counted; `header` is the key that the request bore, if any."""
        key = self.idempotency_key or header
        return Report(
            customer=self.customer_id,
            happened_at=self.timestamp,
            key=key,
            digest=b"" if key is None else _digest(**self.model_dump(exclude={"idempotency_key"})),
            feature=self.feature_id,
            behaviour=self.behaviour,
            value=self.value,
            enforce=self.enforce,
            resource_id=self.resource_id,
        )


class ReportEventRequest(Body):
    """Something that a customer did; the meters that count such events find out how much that is."""

    customer_id: Identifier = Field(description="Who did it: your own id of the customer.", examples=["customer_002"])
    event_name: Name = Field(description="What they did.", examples=["api_invoked"])
    idempotency_key: Key = Field(
        description="Your key for this event: sent again, it is counted once, for ever.",
        examples=["45f05c73-7a0b-44d4-82c6-042816d5645d"],
    )
    timestamp: UsageInstant = Field(
        description="When they did it, in UTC. At the most 90 days ago, and 5 minutes ahead.",
        examples=["2025-05-22 07:53:55.747959"],
    )
    resource_id: Name | None = Field(None, description="What they did it with, as you name it.")
    properties: Properties | None = Field(
        None, description="What is known about it; filters and fields of meters are names in here.", examples=[{"n": 2}]
    )

    def report(self) -> Report:
        """Return it as it is counted."""
        return Report(
            customer=self.customer_id,
            happened_at=self.timestamp,
            key=self.idempotency_key,
            digest=_digest(
                customer_id=self.customer_id,
                event_name=self.event_name,
                timestamp=self.timestamp,
                resource_id=self.resource_id,
                properties=self.properties and self.properties.values,
            ),
            event_name=self.event_name,
            properties={} if self.properties is None else self.properties.values,
            properties_text=None if self.properties is None else self.properties.text,
            resource_id=self.resource_id,
        )


class ReportUsageBatchRequest(Body):
    """Reports of usage, each counted on its own."""

    reports: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH)] = Field(
        description="Each as `POST /report/usage/` takes it."
    )


class ReportEventBatchRequest(Body):
    """Raw events, each counted on its own."""

    events: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH)] = Field(
        description="Each as `POST /report/event/` takes it."
    )


def _digest(**said: object) -> bytes:
    """Return what two bodies have in common that say the same, in whatever order of keys.

    Keys are for ever: what is not said is left out, so that a field that comes about later changes none of them.
    """
    return hashlib.sha256(_SORTED.encode({name: value for name, value in said.items() if value is not None})).digest()[
        :16
    ]


class ReportUsageResponse(Answer):
    """What was counted."""

    value: int = Field(description="As it was sent.")
    customer_id: str = Field(description="As it was sent.")
    feature_id: str = Field(description="As it was sent.")
    behaviour: Behaviour = Field(description="As it was sent.")
    org_id: str = Field(description="The organization's number.")
    event_name: str = Field(description="What such reports are called.", examples=["aggregated.usage"])
    idempotency_key: str = Field(description="The key that was sent, else one that was made.")
    timestamp: str = Field(description="When it counts as used, in UTC.", examples=["2025-05-22 08:27:45.430732"])
    resource_id: str | None = Field(None, description="As it was sent, if it was.")
    counted: int | None = Field(None, description="Of a DELTA with `enforce`: how much of it was counted.")
    overflow: int | None = Field(None, description="With `enforce`: how much of that is beyond the limit.")


class ReportEventResponse(Answer):
    """What was kept."""

    customer_id: str = Field(description="As it was sent.")
    event_name: str = Field(description="As it was sent.")
    idempotency_key: str = Field(description="As it was sent.")
    timestamp: str = Field(description="When it counts as done, in UTC.")
    properties: dict[str, Any] | None = Field(description="As they were sent.")
    org_id: str = Field(description="The organization's number.")
    resource_id: str | None = Field(None, description="As it was sent, if it was.")


class BatchResult(Answer):
    """What became of one item of a batch: what it is answered with alone."""

    status: int = Field(description="200 where it is counted, else 400, 409, or 503: to be sent again.")
    answer: dict[str, Any] | None = Field(description="Of what is counted; null of what is not.")
    errors: dict[str, Any] | None = Field(description="Why it is not counted; null of what is.")


class BatchResponse(Answer):
    """What became of each item, in their order."""

    results: list[BatchResult]


def usage_answer(report: Report, accepted: Accepted) -> dict[str, Any]:
    """Return a counted report as the API answers with it."""
    answer: dict[str, Any] = {
        "value": report.value,
        "customerId": report.customer,
        "featureId": report.feature,
        "behaviour": report.behaviour,
        "orgId": str(accepted.organization),
        "eventName": report.event_name,
        "idempotencyKey": report.key or accepted.id.hex,
        "timestamp": wire_usage_instant(accepted.happened_at),
    }
    if report.resource_id is not None:
        answer["resourceId"] = report.resource_id
    if report.enforce is not None:
        answer |= {"counted": accepted.counted, "overflow": accepted.beyond}
    return answer


def event_answer(report: Report, accepted: Accepted) -> dict[str, Any]:
    """Return a kept event as the API answers with it."""
    answer: dict[str, Any] = {
        "customerId": report.customer,
        "eventName": report.event_name,
        "idempotencyKey": report.key,
        "timestamp": wire_usage_instant(accepted.happened_at),
        "properties": None if report.properties_text is None else Raw(report.properties_text.encode()),
        "orgId": str(accepted.organization),
    }
    return answer if report.resource_id is None else answer | {"resourceId": report.resource_id}


Answering = Callable[[Report, Accepted], dict[str, Any]]


def batch_answer(reports: Sequence[Report | Refusal], outcomes: Sequence[Outcome], answer: Answering) -> dict[str, Any]:
    """Return what became of the items of a batch; `outcomes` are of those that could be read."""
    remaining = iter(outcomes)
    results: list[dict[str, Any]] = []
    for report in reports:
        outcome = report if isinstance(report, Refusal) else next(remaining)
        if isinstance(report, Refusal) or isinstance(outcome, Refusal):
            refusal = outcome if isinstance(outcome, Refusal) else report
            assert isinstance(refusal, Refusal)
            results.append({"status": refusal.status, "answer": None, "errors": refusal_content(refusal)})
        else:
            results.append({"status": 200, "answer": answer(report, outcome), "errors": None})
    return {"results": results}


def read_each(kind: type[ReportUsageRequest | ReportEventRequest], items: Sequence[Any]) -> list[Report | Refusal]:
    """Return each item of a batch as it is counted, or why it cannot be read."""
    return [_read(kind, item) for item in items]


def _read(kind: type[ReportUsageRequest | ReportEventRequest], item: Any) -> Report | Refusal:
    try:
        return read_body(kind, item).report()
    except InvalidFields as faults:
        return faults


def readable(reports: Sequence[Report | Refusal]) -> list[Report]:
    """Return the items that can be counted."""
    return [report for report in reports if not isinstance(report, Refusal)]
