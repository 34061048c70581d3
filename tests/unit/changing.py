"""A subscription without a database: bought, changed and renewed by the rules alone, and all that it is billed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

from kelviq_server.billing.orders.events import EXAMPLE as BOUGHT
from kelviq_server.billing.sales.records import PricedItem, Wanted
from kelviq_server.catalog.prices.records import Price, PriceType
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.discount import Discount
from kelviq_server.core.invoice import Invoice, Item, TaxRule, make_invoice
from kelviq_server.promotions.discounts.records import SaleDiscount
from kelviq_server.subscriptions.changes.records import ChangePlan, EndTrial, PlanChange, ProrationBehavior
from kelviq_server.subscriptions.changes.rules import plan_change, timing_of
from kelviq_server.subscriptions.changes.steps import _record
from kelviq_server.subscriptions.collection.rules import status_once_paid
from kelviq_server.subscriptions.cycles.rules import period_items
from kelviq_server.subscriptions.life.events import Told
from kelviq_server.subscriptions.life.records import NewSubscription, Subscription, SubscriptionStatus
from kelviq_server.subscriptions.life.rules import next_period, period_of
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.subscriptions.purchases.rules import items_of, worth_of

START = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
UNTAXED = TaxRule(Decimal(0))
BEHAVIORS = list(ProrationBehavior)


@dataclass(frozen=True)
class Plan:
    """What somebody may have: parts that are paid in advance, and how they are taxed."""

    units: tuple[int, ...]
    tax: TaxRule = UNTAXED
    every: ChargePeriod = ChargePeriod.MONTHLY
    # Whether the discount holds for it, where there is one.
    is_discounted: bool = True
    id: UUID = field(default_factory=uuid4)

    def terms(self, discount: Discount | None = None) -> Terms:
        """Return the terms on which it is charged."""
        price = Price(price_type=PriceType.PAID, currency="USD", id=self.id, version_id=BOUGHT.version.id)
        priced = [PricedItem(f"Part {place}", 1, None, units) for place, units in enumerate(self.units)]
        taken = None
        if discount is not None and self.is_discounted:
            taken = SaleDiscount(BOUGHT.product.id, "LAUNCH", "Launch", discount)
        return Terms(BOUGHT.product, BOUGHT.version, price, Wanted(self.every), {}, priced, self.tax, taken)


def example(**values: Any) -> Subscription:
    """Return a record."""
    return Told.example(**values).subscription


def bought(plan: Plan, discount: Discount | None = None, at: datetime = START) -> tuple[Subscription, Invoice]:
    """Return the record of a plan that is bought, and its first invoice."""
    terms, period = plan.terms(discount), period_of(at, plan.every, 0, "UTC")
    assert period is not None
    invoice = make_invoice(items_of(terms.items, terms.tax, period), terms.discounts, 0, 0)
    return example(
        price_id=plan.id, charge_period=plan.every, anchor_at=at, period_index=0, period_start=period.start,
        period_end=period.end, trial_start_at=None, trial_end_at=None, started_at=at, cycle=0,
        worth=worth_of(invoice, period), carried=[],
        discount_id=None if terms.discount is None else terms.discount.id,
    ), invoice  # fmt: skip


def reckoned(
    before: Subscription,
    plan: Plan,
    at: datetime,
    proration: ProrationBehavior = ProrationBehavior.IMMEDIATE_CHARGE,
    *,
    discount: Discount | None = None,
    used: Sequence[Item] = (),
    end_trial: EndTrial | None = None,
) -> PlanChange:
    """Return what a change comes to; a discount that was lost on the way does not come back."""
    terms = plan.terms(discount if before.discount_id is not None else None)
    return plan_change(before, terms, timing_of(before, terms, end_trial, at), proration, used, at)


def taken_over(before: Subscription, change: PlanChange, at: datetime) -> Subscription:
    """Return the record that a change makes, in force."""
    wanted = ChangePlan(before.id, "pro", change.terms.wanted.period)
    return in_force(_record(before, wanted, change, at))


def in_force(new: NewSubscription) -> Subscription:
    """Return a record that was written, and has begun."""
    values = {name: getattr(new, name) for name in NewSubscription.__dataclass_fields__}
    kept = replace(example(), **values)
    return replace(kept, status=status_once_paid(kept), expires_at=None)


def invoiced(change: PlanChange) -> Invoice:
    """Return the invoice of a change; it is empty where nothing is invoiced now."""
    return make_invoice(change.items, change.terms.discounts, change.timing.cycle, 0)


def renewed(before: Subscription, plan: Plan, discount: Discount | None = None) -> tuple[Subscription, Invoice]:
    """Return the record in its next period, and the invoice of that."""
    terms, period = plan.terms(discount if before.discount_id is not None else None), next_period(before)
    cycle = before.cycle if before.status is SubscriptionStatus.TRIALING else before.cycle + 1
    invoice = make_invoice(period_items(terms, period, (), before.carried), terms.discounts, cycle, 0)
    return replace(
        before, status=SubscriptionStatus.ACTIVE, cycle=cycle, period_index=before.period_index + 1,
        period_start=period.start, period_end=period.end, worth=worth_of(invoice, period), carried=[],
    ), invoice  # fmt: skip


@dataclass
class Bill:
    """All that is billed to somebody, line by line, the lines that wait for the next invoice too."""

    subscription: Subscription
    invoices: list[Invoice]
    discount: Discount | None = None

    @classmethod
    def of(cls, plan: Plan, discount: Discount | None = None) -> "Bill":
        """Return the bill of somebody who just bought."""
        subscription, invoice = bought(plan, discount)
        return cls(subscription, [invoice], discount)

    def change(self, plan: Plan, at: datetime, proration: ProrationBehavior, used: Sequence[Item] = ()) -> PlanChange:
        """Change the plan, and return what that came to."""
        change = reckoned(self.subscription, plan, at, proration, discount=self.discount, used=used)
        self.invoices.append(invoiced(change))
        self.subscription = taken_over(self.subscription, change, at)
        return change

    @property
    def all_invoices(self) -> list[Invoice]:
        """Return the invoices there are, and what of the next one is known."""
        return [*self.invoices, make_invoice(self.subscription.carried, [], 0, 0)]

    @property
    def net_units(self) -> int:
        """Return what all that comes to as prices are written, after discounts."""
        return sum(line.item.amount_units - line.discount_units for each in self.all_invoices for line in each.lines)

    @property
    def gross_units(self) -> int:
        """Return what all that comes to with tax."""
        return sum(each.total_units for each in self.all_invoices)

    @property
    def lines(self) -> int:
        """Return how many lines that are."""
        return sum(len(each.lines) for each in self.all_invoices)


def share(period_start: datetime, period_end: datetime, start: datetime, end: datetime) -> Fraction:
    """Return which part of a period a stretch within it is, to the second as proration counts."""
    return Fraction(_seconds(end) - _seconds(start), _seconds(period_end) - _seconds(period_start))


def _seconds(at: datetime) -> int:
    return int(at.replace(microsecond=0).timestamp())
