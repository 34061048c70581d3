"""Series as the wire spells them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.platform.values import Number
from kelviq_server.platform.wire import Answer
from kelviq_server.usage.series.records import Granularity, Point


class UsagePoint(Answer):
    """What was used within a stretch of time."""

    start: datetime = Field(description="Where it begins, in UTC.", examples=["2025-06-02T00:00:00Z"])
    end: datetime = Field(description="Where the next one begins.", examples=["2025-06-09T00:00:00Z"])
    value: Number = Field(description="What was used, as the meter aggregates it; zero where nothing was.")


class UsageSeriesResponse(Answer):
    """What a customer used of a meter as time went by."""

    customer_id: str = Field(description="As it was sent.")
    feature_id: str = Field(description="As it was sent.")
    aggregation: Aggregation = Field(description="What the meter makes of many reports; SUM where usage came added up.")
    granularity: Granularity = Field(description="How long a point is.")
    points: list[UsagePoint] = Field(description="The earliest first, without a gap.")


def series_answer(
    customer: str, feature: str, aggregation: Aggregation, granularity: Granularity, points: Sequence[Point]
) -> dict[str, Any]:
    """Return a series as the API answers with it."""
    return {
        "customerId": customer,
        "featureId": feature,
        "aggregation": aggregation,
        "granularity": granularity,
        "points": [
            {"start": _midnight(each.start), "end": _midnight(each.end), "value": each.value} for each in points
        ],
    }


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
