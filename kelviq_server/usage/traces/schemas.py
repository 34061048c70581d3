"""Traces of reports as the wire spells them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from kelviq_server.platform.values import Number
from kelviq_server.platform.wire import Answer, wire_instant, wire_usage_instant
from kelviq_server.usage.reports.records import Behaviour
from kelviq_server.usage.traces.records import Trace


class CountedShare(Answer):
    """What was counted of a report for one meter and subscription."""

    feature_id: str = Field(description="The meter's identifier.")
    subscription_id: UUID | None = Field(description="Null where nothing granted the meter.")
    value: Number = Field(description="How much; 0 of a value that a meter had counted before.")
    day: datetime = Field(description="Where it stands: the day of UTC, or the part of it in which a period begins.")
    late: bool = Field(description="Whether its period was over: it counts in that, and not in the one after.")


class NotCounted(Answer):
    """Why a meter did not count a report."""

    feature_id: str = Field(description="The meter's identifier.")
    reason: str = Field(description="Which filter it does not pass, or what is missing.")


class ReportTraceResponse(Answer):
    """What became of a report."""

    idempotency_key: str = Field(description="The key that was sent, else the one that was made.")
    customer_id: str = Field(description="Your own id of the customer.")
    event_name: str = Field(description="As it was sent; `aggregated.usage` of usage that came added up.")
    timestamp: str = Field(description="When it counts as used, in UTC.")
    received_on: datetime = Field(description="When it was received.")
    feature_id: str | None = Field(description="Of usage that came added up.")
    behaviour: Behaviour | None = Field(description="Of usage that came added up.")
    value: int | None = Field(description="Of usage that came added up.")
    overflow: int | None = Field(description="With `enforce`: how much of it was beyond the limit.")
    properties: dict[str, Any] | None = Field(description="Of a raw event, as they were sent.")
    resource_id: str | None = Field(description="As it was sent.")
    counted: list[CountedShare] = Field(description="What was counted of it.")
    not_counted: list[NotCounted] = Field(description="Which meters did not count it, and why.")


def trace_answer(trace: Trace) -> dict[str, Any]:
    """Return what became of a report as the API answers with it."""
    event = trace.event
    return {
        "idempotencyKey": event.key or event.id.hex,
        "customerId": trace.customer,
        "eventName": event.event_name,
        "timestamp": wire_usage_instant(event.happened_at),
        "receivedOn": wire_instant(event.received_at),
        "featureId": trace.feature,
        "behaviour": event.behaviour,
        "value": event.value,
        "overflow": event.beyond,
        "properties": event.properties,
        "resourceId": event.resource_id,
        "counted": [
            {
                "featureId": each.feature,
                "subscriptionId": None if each.subscription_id is None else str(each.subscription_id),
                "value": each.share.value,
                "day": wire_instant(each.share.starts_at),
                "late": each.share.is_late,
            }
            for each in trace.counted
        ],
        "notCounted": [{"featureId": feature, "reason": reason} for feature, reason in trace.not_counted.items()],
    }
