"""What happened to subscriptions, as the public webhook guide writes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from kelviq_server.billing.orders.events import EXAMPLE as BOUGHT
from kelviq_server.billing.orders.events import amount_text
from kelviq_server.billing.orders.records import BilledCustomer, BillingType
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.products.records import Product
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.customers.events import customer_object
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus
from kelviq_server.subscriptions.life.schemas import recurrence_text

_ACME = UUID("0197269a-11c3-7b0f-9a55-6f3f0f2a7c10")
_AT = datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC)
EXAMPLE = Subscription(
    id=UUID("019726d5-9d13-7c8e-9896-18c69d3026c4"),
    lineage_id=UUID("019726d5-9d13-7c8e-9896-18c69d3026c4"),
    predecessor_id=None,
    is_seen=True,
    status=SubscriptionStatus.ACTIVE,
    billing_type=BillingType.SUBSCRIPTION,
    customer_id=BOUGHT.order.customer_id,
    product_id=BOUGHT.product.id,
    plan_id=BOUGHT.version.plan_id,
    version_id=BOUGHT.version.id,
    price_id=UUID("0197269a-3b10-7d5e-8f21-6a1c0d9b8e77"),
    charge_period=ChargePeriod.MONTHLY,
    currency="USD",
    features=(),
    custom_amount=None,
    tax_behavior=None,
    amount_units=2900,
    discount_id=None,
    cycle=0,
    time_zone="UTC",
    anchor_at=_AT,
    period_index=0,
    period_start=_AT,
    period_end=_AT.replace(month=7),
    trial_start_at=_AT - timedelta(days=14),
    trial_end_at=_AT,
    worth=(),
    carried=(),
    started_at=_AT - timedelta(days=14),
    effective_at=_AT,
    owing_since=None,
    retries=0,
    retry_at=None,
    collecting_since=None,
    due_at=None,
    created_at=_AT,
    modified_at=_AT,
)


@dataclass(frozen=True)
class Told:
    """A record of a subscription with what events tell besides."""

    subscription: Subscription
    product: Product
    version: PlanVersion
    customer: BilledCustomer

    @classmethod
    def example(cls, **changes: Any) -> Self:
        """Return Jane's subscription."""
        address = {"line1": None, "city": "Bangalore", "state": "Karnataka", "postalCode": "560001", "country": "IN"}
        jane = replace(BOUGHT.order.buyer, billing_address=address)
        return cls(replace(EXAMPLE, **changes), BOUGHT.product, BOUGHT.version, jane)

    def as_of(self, before: Subscription) -> "Told":
        """Return what was told of the record as it was before, of the same plan and customer."""
        return replace(self, subscription=before)

    def object(self, organization: UUID | None) -> dict[str, Any]:
        """Return the subscription as the guide shows it."""
        each, version = self.subscription, self.version
        return {
            "id": str(each.id),
            "object": "subscription",
            "status": each.status,
            "plan": {"name": version.name, "version": version.version, "identifier": version.identifier},
            "product": {"id": str(self.product.id), "name": self.product.name},
            "amount": amount_text(each.amount_units, each.currency),
            "amount_units": each.amount_units,
            "currency": each.currency,
            "recurrence": recurrence_text(each.charge_period),
            "start_date": each.started_at.date().isoformat(),
            "end_date": None if each.ends_at is None else each.ends_at.date().isoformat(),
            "billing_period_start_time": webhook_instant(each.period_start),
            "billing_period_end_time": webhook_instant(each.period_end),
            "trial_start": webhook_instant(each.trial_start_at),
            "trial_end": webhook_instant(each.trial_end_at),
            "customer": customer_object(self.customer),
            "features": [{"identifier": one.identifier, "quantity": one.quantity} for one in each.features] or None,
            "organization": str(organization),
            "created_on": webhook_instant(each.created_at),
            "modified_on": webhook_instant(each.modified_at),
        }


@dataclass(frozen=True)
class SubscriptionCreated(Event):
    """A customer has a subscription, or something that is bought once: it is paid, free, or on trial.

    - `customer.customer_id` is your own id. `amount` is what a period costs, before discounts and taxes.
    - `features` lists the quantities that were bought; null where there are none.
    - What is bought once has no `recurrence` and no billing period.
    """

    type: ClassVar[str] = "subscription.created"
    told: Told
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane subscribed."""
        return cls(Told.example(), _ACME)

    @property
    def customer_id(self) -> UUID:
        """The customer."""
        return self.told.subscription.customer_id

    def data(self) -> dict[str, Any]:
        """Return the subscription."""
        return {"object": self.told.object(self.organization)}


@dataclass(frozen=True)
class SubscriptionUpdated(SubscriptionCreated):
    """A subscription was renewed, its status changed, or it is to end at some later instant, or no more.

    - `previous_attributes` holds what changed, and only that, as it was before.
    - `status` is `past_due` while a payment is owed; the customer keeps access.
    """

    type: ClassVar[str] = "subscription.updated"
    before: Told | None = None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane's subscription was renewed."""
        before = Told.example()
        later = {"period_start": EXAMPLE.period_end, "period_end": _AT.replace(month=8)}
        return cls(Told.example(**later, modified_at=_AT.replace(month=7)), _ACME, before)

    def data(self) -> dict[str, Any]:
        """Return the subscription, and what of it is no longer so."""
        after = self.told.object(self.organization)
        before = {} if self.before is None else self.before.object(self.organization)
        return {"object": after, "previous_attributes": _differing(before, after)}


@dataclass(frozen=True)
class SubscriptionCancelled(SubscriptionUpdated):
    """A subscription has ended: at once, at the end of its period, on its date, or because nobody paid.

    - `previous_attributes` holds what changed, as it was before.
    """

    type: ClassVar[str] = "subscription.cancelled"

    @classmethod
    def example(cls) -> Self:
        """Return that Jane's subscription has ended."""
        end = _AT + timedelta(days=2)
        ended = Told.example(status=SubscriptionStatus.CANCELED, ends_at=end, canceled_at=end, modified_at=end)
        return cls(ended, _ACME, Told.example())


@dataclass(frozen=True)
class SubscriptionPlanChanged(SubscriptionUpdated):
    """A subscription has another plan, price, or quantity, under a new id.

    - `previous_attributes` is the whole record that was replaced, with its old `id`.
    """

    type: ClassVar[str] = "subscription.plan_changed"

    @classmethod
    def example(cls) -> Self:
        """Return that Jane changed her plan."""
        before = Told.example()
        id = UUID("019726f0-1c5b-7f0e-b2a1-3d9c6e8f7a42")
        return cls(Told.example(id=id, predecessor_id=EXAMPLE.id, amount_units=4900), _ACME, before)

    def data(self) -> dict[str, Any]:
        """Return the new record, and the one that it replaced."""
        assert self.before is not None
        before = self.before.object(self.organization)
        return {"object": self.told.object(self.organization), "previous_attributes": before}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was otherwise before, but for what only says when."""
    return {name: value for name, value in before.items() if name != "modified_on" and after[name] != value}
