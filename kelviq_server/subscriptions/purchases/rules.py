"""What a purchase comes to, and the record that it is written down as."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from kelviq_server.billing.sales.records import PricedItem, Wanted
from kelviq_server.catalog.prices.records import Price, PriceType
from kelviq_server.core.invoice import Invoice, Item, TaxRule, make_invoice
from kelviq_server.core.period import Period
from kelviq_server.platform.ids import new_id
from kelviq_server.subscriptions.life.records import Billing, NewSubscription, SubscriptionStatus, Worth
from kelviq_server.subscriptions.life.rules import period_of
from kelviq_server.subscriptions.purchases.errors import NoTrialWithoutRenewal
from kelviq_server.subscriptions.purchases.records import Offer, Quote

# How long a payment may take that its customer has to authenticate.
PATIENCE = timedelta(hours=23)


def trial_days(offer: Offer, price: Price, *, is_one_time: bool) -> int:
    """Return for how many days a purchase is on trial; raises NoTrialWithoutRenewal where one was asked for."""
    if is_one_time:
        if offer.trial_days:
            raise NoTrialWithoutRenewal
        return 0
    if offer.trial_days is not None:
        return offer.trial_days
    return price.trial_days if price.free_trial and price.price_type is PriceType.PAID else 0


def trial_of(now: datetime, days: int) -> Period:
    """Return a trial of so many days, of 24 hours each, that begins now."""
    return Period(now, now + timedelta(days=days))


def items_of(priced: Sequence[PricedItem], tax: TaxRule, period: Period | None) -> list[Item]:
    """Return what is charged for a whole period, or once."""
    return [Item(item.what, item.amount_units, tax, item.quantity, item.unit_price, period) for item in priced]


def trial_invoice(name: str, tax: TaxRule, period: Period) -> Invoice:
    """Return the invoice of a trial: it comes to nothing."""
    return make_invoice([Item(f"{name}: free trial", 0, tax, period=period)], (), 0, 0)


def worth_of(invoice: Invoice, period: Period | None) -> list[Worth]:
    """Return what the whole of a period is charged at by the invoice that charges it."""
    return [
        Worth(line.item.what, line.item.amount_units - line.discount_units, line.item.tax)
        for line in invoice.lines
        if period is not None and line.item.period == period and line.item.amount_units > 0
    ]


def wanted_of(billing: Billing) -> Wanted:
    """Return what of the plan somebody has."""
    return Wanted(billing.charge_period, billing.features, billing.custom_amount, True, billing.tax_behavior)


def new_subscription(
    quote: Quote, customer_id: UUID, now: datetime, time_zone: str, *, is_on_session: bool, request_id: UUID | None
) -> NewSubscription:
    """Return the record of a purchase whose payment is yet to come: nobody gets to see it before that has ended."""
    id = new_id(now)
    trial = trial_of(now, quote.trial_days) if quote.trial_days else None
    trial_end = trial.end if trial else None
    period = trial or period_of(now, quote.period, 0, time_zone)
    return NewSubscription(
        id=id,
        lineage_id=id,
        predecessor_id=None,
        is_seen=False,
        status=SubscriptionStatus.INCOMPLETE,
        billing_type=quote.billing_type,
        customer_id=customer_id,
        product_id=quote.product.id,
        plan_id=quote.version.plan_id,
        version_id=quote.version.id,
        price_id=quote.price.id,
        charge_period=quote.period,
        currency=quote.currency,
        features=quote.features,
        custom_amount=quote.offer.custom_amount,
        tax_behavior=quote.offer.tax_behavior,
        amount_units=quote.amount_units,
        discount_id=None if quote.discount is None else quote.discount.id,
        cycle=0,
        time_zone=time_zone,
        anchor_at=trial_end or now,
        # Of a trial, the one before the first that is charged.
        period_index=-1 if trial_end else 0,
        period_start=period.start if period else None,
        period_end=period.end if period else None,
        trial_start_at=now if trial_end else None,
        trial_end_at=trial_end,
        worth=[] if trial_end else worth_of(quote.invoice, period),
        carried=[],
        started_at=now,
        # A checkout takes care of its own.
        expires_at=None if is_on_session else now + PATIENCE,
        request_id=request_id,
    )
