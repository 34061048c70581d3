"""Changes of a subscription: what is wanted, and what that comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Invoice, Item
from kelviq_server.core.period import Period
from kelviq_server.payments.records import Attempt
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus, Worth
from kelviq_server.subscriptions.metering.records import Used
from kelviq_server.subscriptions.purchases.records import Terms


class ProrationBehavior(StrEnum):
    """When the difference for the rest of the period is charged."""

    IMMEDIATE_CHARGE = "IMMEDIATE_CHARGE"
    PRORATE_NEXT_INVOICE = "PRORATE_NEXT_INVOICE"
    # Never.
    NO_PRORATION = "NO_PRORATION"


@dataclass(frozen=True, slots=True)
class EndTrial:
    """A trial is to end at some instant; without one, now."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """A subscription is to have another plan, charge period, or quantities, or another end of its trial."""

    id: UUID
    plan: str
    period: ChargePeriod
    # None: those it has, as far as the plan sells them.
    features: Sequence[BoughtFeature] | None = None
    proration: ProrationBehavior = ProrationBehavior.IMMEDIATE_CHARGE
    # None: a trial stays as it is.
    end_trial: EndTrial | None = None
    # Whether what there is stays in force until the change is paid.
    activates_on_payment: bool = False
    # Where the customer is, if anybody said so.
    address: str | None = None
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Which period a changed subscription is in, and from where its periods are counted."""

    status: SubscriptionStatus
    # None of what is bought once.
    period: Period | None
    anchor_at: datetime
    period_index: int
    cycle: int
    trial_start_at: datetime | None
    trial_end_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What a change comes to."""

    terms: Terms
    timing: Timing
    # What is invoiced now, and what the next invoice takes over.
    items: Sequence[Item]
    carried: Sequence[Item]
    worth: Sequence[Worth]
    # What of the items was there before the change: what was used, and what waited for an invoice.
    taken: Sequence[Item] = ()
    # What was used so far on the old terms, of which the new ones charge nothing.
    used: Used = field(default_factory=Used)
    # Whether that is charged once the change takes effect, with what is used until then.
    is_used_later: bool = False

    def changes(self, before: Subscription) -> bool:
        """Say whether anything is otherwise than it was."""
        wanted = self.terms.wanted
        return (
            self.terms.version.id != before.version_id
            or self.terms.price.id != before.price_id
            or wanted.period is not before.charge_period
            or {each.identifier: each.quantity for each in wanted.features}
            != {each.identifier: each.quantity for each in before.features}
            or self.timing.trial_end_at != before.trial_end_at
            or self.timing.status is not before.status
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would come to if it were made at this instant."""

    currency: str
    # None: nothing is invoiced.
    invoice: Invoice | None
    # What each later period comes to.
    recurring: Invoice | None
    # The next invoice, and when it falls due; None of what is bought once.
    next_invoice: Invoice | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Changed:
    """The record that a change left or made, and the attempt to have it paid; none where nothing is due."""

    subscription_id: UUID
    attempt: Attempt | None
