"""What somebody wants to buy, what that comes to, and what was begun."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from kelviq_server.billing.orders.records import BillingType, BoughtFeature
from kelviq_server.billing.sales.records import PricedItem, Wanted
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price, TaxBehavior
from kelviq_server.catalog.products.records import Product
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.discount import Discount
from kelviq_server.core.invoice import Invoice, TaxRule
from kelviq_server.payments.records import Attempt
from kelviq_server.promotions.discounts.records import SaleDiscount


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody wants to buy."""

    plan: str
    period: ChargePeriod
    features: Sequence[BoughtFeature] = ()
    # None: the customer's, else that of the plan's base price.
    currency: str | None = None
    # What was agreed on, in the major unit; in place of the plan's price, if it has one.
    custom_amount: Decimal | None = None
    tax_behavior: TaxBehavior | None = None
    discount_code: str | None = None
    # None: as the price says.
    trial_days: int | None = None
    # From where it is bought, where that decides about the currency.
    address: str | None = None

    @property
    def wanted(self) -> Wanted:
        """Return what of the plan is wanted."""
        return Wanted(self.period, self.features, self.custom_amount, True, self.tax_behavior)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a purchase comes to."""

    product: Product
    version: PlanVersion
    price: Price
    offer: Offer
    items: Sequence[PricedItem]
    tax: TaxRule
    # The quantities that are bought, those too that were not asked for.
    features: Sequence[BoughtFeature]
    # What is due now; of a trial nothing.
    invoice: Invoice
    # What each later period comes to on the same terms; None for what is bought once.
    recurring: Invoice | None
    # 0: there is no trial.
    trial_days: int
    discount: SaleDiscount | None

    @property
    def currency(self) -> str:
        """Return what it is paid in."""
        return self.price.currency

    @property
    def period(self) -> ChargePeriod:
        """Return how often it is charged."""
        return self.offer.period

    @property
    def is_one_time(self) -> bool:
        """Say whether it is bought once."""
        return self.period is ChargePeriod.ONE_TIME

    @property
    def billing_type(self) -> BillingType:
        """Return whether it is paid once, or again and again."""
        return BillingType.ONE_TIME if self.is_one_time else BillingType.SUBSCRIPTION

    @property
    def amount_units(self) -> int:
        """Return what a period costs, before discounts and taxes."""
        return sum(item.amount_units for item in self.items)

    @property
    def needs_method(self) -> bool:
        """Say whether there must be something to pay with, now or later."""
        return not self.is_one_time or self.invoice.due_units > 0


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms something is charged, period by period, at this instant."""

    product: Product
    version: PlanVersion
    price: Price
    wanted: Wanted
    # Those that the price names, by id.
    features: Mapping[UUID, Feature]
    items: Sequence[PricedItem]
    tax: TaxRule
    discount: SaleDiscount | None

    @property
    def amount_units(self) -> int:
        """Return what a period costs, before discounts and taxes."""
        return sum(item.amount_units for item in self.items)

    @property
    def discounts(self) -> Sequence[Discount]:
        """Return what is taken off, for as long as it holds."""
        return [] if self.discount is None else [self.discount.discount]


@dataclass(frozen=True, slots=True)
class Begun:
    """A purchase that was written down, and the attempt to have it paid; none where nothing is due."""

    subscription_id: UUID
    order_id: str
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class CreateSubscription:
    """A subscription to create for a customer who is there already."""

    customer: str
    offer: Offer
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None
