"""What happened to licences."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.catalog.plans.records import DurationUnit
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.customers.events import customer_object
from kelviq_server.customers.records import CustomerSummary
from kelviq_server.entitlements.license_keys.records import LicenseKey
from kelviq_server.entitlements.license_keys.schemas import limit_of

_AT = datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC)
EXAMPLE_BUYER = CustomerSummary(
    UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"), "unique-customer-id-123", "Jane Doe", "jane@example.com", None
)
EXAMPLE_ORGANIZATION = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")
EXAMPLE_LICENSE = LicenseKey(
    id=UUID("019726f1-5b40-7a1e-9d02-3c5e8f7a6b14"),
    key="LIC-A8D5F89E-B46B-472C-9BED-66EE2545B85E",
    customer_id=EXAMPLE_BUYER.id,
    lineage_id=UUID("019726f0-0c52-7be4-8a11-90d2e4f6a8b3"),
    subscription_id=UUID("019726f0-0c52-7be4-8a11-90d2e4f6a8b3"),
    version_id=UUID("0197269b-7f10-7d33-b5a6-1e2f3a4b5c6d"),
    activation_limit=3,
    activation_usage=0,
    duration_unit=DurationUnit.YEAR,
    duration_value=1,
    began_at=datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC),
    expires_at=datetime(2026, 6, 4, 6, 3, 30, tzinfo=UTC),
    ends_at=None,
    is_limit_own=False,
    is_expiry_own=False,
    enabled=True,
    activated_at=None,
    created_at=_AT,
    modified_at=_AT,
)


@dataclass(frozen=True)
class LicenseCreated(Event):
    """A purchase came with a licence key.

    - `expires_on` is null while no end is known; `activation_limit` is 2147483647 where there is no limit.
    """

    type: ClassVar[str] = "license.created"
    license: LicenseKey
    customer: CustomerSummary
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return it of Jane's licence for three machines."""
        return cls(EXAMPLE_LICENSE, EXAMPLE_BUYER, EXAMPLE_ORGANIZATION)

    @property
    def customer_id(self) -> UUID:
        """The holder's."""
        return self.customer.id

    def data(self) -> dict[str, Any]:
        """Return the licence."""
        return {"object": license_object(self.license, self.customer, self.organization)}


@dataclass(frozen=True)
class LicenseUpdated(LicenseCreated):
    """A licence has another key, limit, expiry or plan, or is disabled; or its purchase was renewed, or ended."""

    type: ClassVar[str] = "license.updated"


def license_object(license: LicenseKey, customer: CustomerSummary, organization: UUID | None) -> dict[str, Any]:
    """Return a licence as events tell it."""
    return {
        "object": "license",
        "id": str(license.id),
        "license_key": license.key,
        "subscription_id": str(license.subscription_id),
        "activated_on": webhook_instant(license.activated_at),
        "expires_on": webhook_instant(license.valid_until),
        "activation_usage": license.activation_usage,
        "activation_limit": limit_of(license),
        "enabled": license.enabled,
        "customer": customer_object(customer),
        "organization": str(organization),
        "created_on": webhook_instant(license.created_at),
        "modified_on": webhook_instant(license.modified_at),
    }
