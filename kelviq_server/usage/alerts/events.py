"""That usage has reached a threshold, as the public webhook guide writes it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.catalog.features.records import FeatureType
from kelviq_server.catalog.prices.records import ThresholdType
from kelviq_server.core.allowance import Span
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.customers.events import customer_object
from kelviq_server.customers.records import CustomerSummary

_AT = datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC)


@dataclass(frozen=True)
class FeatureUsageAlert(Event):
    """A customer's usage of a feature has reached a threshold that the plan sets.

    Once for each threshold and period, however many reports cross it at once.

    - `threshold_value` is a part of `usage_limit` in percent, or a number of units, as `threshold_type` says.
    - `current_usage` is what was used, without what reservations hold.
    - `usage_limit` has what was carried over from the period before; it is null where usage is not limited.
    - `period_start_time` and `period_end_time` are null where usage never begins again.
    """

    type: ClassVar[str] = "feature.usage_alert"
    id: UUID
    feature_id: UUID
    feature: str
    feature_name: str
    customer: CustomerSummary
    subscription_id: UUID | None
    usage_limit: int | None
    current_usage: int
    threshold_type: ThresholdType
    threshold: Decimal
    period: Span
    at: datetime
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that somebody has made three quarters of their calls."""
        return cls(
            id=UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e77"),
            feature_id=UUID("0197269a-2b10-7d5e-8f21-6a1c0d9b8e55"),
            feature="api-calls",
            feature_name="API Calls",
            customer=CustomerSummary(
                UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"),
                "unique-customer-id-123",
                "Jane Doe",
                "jane@example.com",
                {"country": "IN", "postalCode": "560001"},
            ),
            subscription_id=UUID("019726d5-9d13-7c8e-9896-18c69d3026c4"),
            usage_limit=10000,
            current_usage=7500,
            threshold_type=ThresholdType.PERCENTAGE,
            threshold=Decimal(75),
            period=Span(_AT.replace(day=1, hour=0, minute=0, second=0), None),
            at=_AT,
            organization=UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10"),
        )

    @property
    def customer_id(self) -> UUID:
        """The customer's."""
        return self.customer.id

    def data(self) -> dict[str, Any]:
        """Return the alert."""
        whole = self.threshold == self.threshold.to_integral_value()
        return {
            "object": {
                "id": str(self.id),
                "object": "feature_usage_alert",
                "feature": {
                    "id": str(self.feature_id),
                    "name": self.feature_name,
                    "identifier": self.feature,
                    "feature_type": FeatureType.METER,
                },
                "customer": customer_object(self.customer),
                "usage_limit": self.usage_limit,
                "current_usage": self.current_usage,
                "threshold_type": self.threshold_type,
                "threshold_value": int(self.threshold) if whole else self.threshold,
                "period_start_time": webhook_instant(self.period.start),
                "period_end_time": webhook_instant(self.period.end),
                "subscription_id": None if self.subscription_id is None else str(self.subscription_id),
                "organization": str(self.organization),
                "created_on": webhook_instant(self.at),
                "modified_on": webhook_instant(self.at),
            }
        }
