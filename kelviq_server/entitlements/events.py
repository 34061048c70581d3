"""What happened to a customer's entitlements beside what their subscriptions grant."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation, FeatureType
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.customers.events import customer_object
from kelviq_server.customers.records import CustomerSummary
from kelviq_server.entitlements.records import Override
from kelviq_server.usage.meters.records import Meter

_AT = datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC)
_JANE = CustomerSummary(
    UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"),
    "unique-customer-id-123",
    "Jane Doe",
    "jane@example.com",
    {"country": "IN", "postalCode": "560001"},
)
_CALLS = UUID("0197269a-2b10-7d5e-8f21-6a1c0d9b8e55")
_ACME = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")


@dataclass(frozen=True)
class EntitlementOverridden(Event):
    """Something holds for one customer instead of what their subscriptions grant.

    - `value` is true or false of BOOLEAN, a number of CUSTOMIZABLE, the limit of METER, which is null without a limit.
    - `expires_at` is null where it holds until it is taken back. No event says that it has expired.
    """

    type: ClassVar[str] = "entitlement.overridden"
    override: Override
    feature_name: str
    customer: CustomerSummary
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane may make fifty thousand calls for the rest of the month."""
        expires_at = datetime(2025, 7, 1, tzinfo=UTC)
        override = Override(
            _CALLS, "api-calls", FeatureType.METER, Decimal(50000), "Migration weekend", expires_at, _AT, _AT
        )
        return cls(override, "API Calls", _JANE, _ACME)

    @property
    def customer_id(self) -> UUID:
        """The customer's."""
        return self.customer.id

    def data(self) -> dict[str, Any]:
        """Return what holds, or held."""
        override = self.override
        return {
            "object": {
                "object": "entitlement_override",
                "feature": _feature(override.feature_id, override.feature, self.feature_name, override.feature_type),
                "customer": customer_object(self.customer),
                "value": override.value,
                "reason": override.reason,
                "expires_at": webhook_instant(override.expires_at),
                "organization": str(self.organization),
                "created_on": webhook_instant(override.created_at),
                "modified_on": webhook_instant(override.modified_at),
            }
        }


@dataclass(frozen=True)
class EntitlementOverrideRemoved(EntitlementOverridden):
    """What a customer's subscriptions grant holds for them again; `object` is what held instead."""

    type: ClassVar[str] = "entitlement.override_removed"


@dataclass(frozen=True)
class EntitlementUsageReset(Event):
    """A customer's usage of a METER in the current period was set to zero: they have their whole quota again.

    - `previous_usage` is what they had used of it. What is charged for that stays.
    """

    type: ClassVar[str] = "entitlement.usage_reset"
    feature: Meter
    customer: CustomerSummary
    previous_usage: int
    reason: str | None
    at: datetime
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane has made no calls, after all."""
        calls = Meter(_CALLS, "api-calls", "API Calls", FeatureType.METER, False, Aggregation.SUM, None, ())
        return cls(calls, _JANE, 10000, "Our retries used it up", _AT, _ACME)

    @property
    def customer_id(self) -> UUID:
        """The customer's."""
        return self.customer.id

    def data(self) -> dict[str, Any]:
        """Return what was set to zero."""
        feature = self.feature
        return {
            "object": {
                "object": "usage_reset",
                "feature": _feature(feature.id, feature.identifier, feature.name, feature.feature_type),
                "customer": customer_object(self.customer),
                "previous_usage": self.previous_usage,
                "reason": self.reason,
                "organization": str(self.organization),
                "created_on": webhook_instant(self.at),
                "modified_on": webhook_instant(self.at),
            }
        }


def _feature(id: UUID, identifier: str, name: str, feature_type: FeatureType) -> dict[str, Any]:
    return {"id": str(id), "name": name, "identifier": identifier, "feature_type": feature_type}
