"""A change of a subscription, reckoned and begun."""

from dataclasses import replace
from datetime import datetime

from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import BillingType, Collection
from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.sales.errors import PlanNotForSale
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price
from kelviq_server.core.invoice import Invoice, make_invoice
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.errors import PaymentMethodRequired
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.subscriptions.changes import rules
from kelviq_server.subscriptions.changes.errors import BoughtOnce, ChangeWaits, PaymentUnderWay, SubscriptionUnpaid
from kelviq_server.subscriptions.changes.records import Changed, ChangePlan, PlanChange, Preview
from kelviq_server.subscriptions.collection import steps as collection
from kelviq_server.subscriptions.cycles import steps as cycles
from kelviq_server.subscriptions.invoicing import steps as invoicing
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.records import NewSubscription, Subscription, SubscriptionStatus
from kelviq_server.subscriptions.life.rules import period_of
from kelviq_server.subscriptions.metering import steps as metering
from kelviq_server.subscriptions.metering.records import Used
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Terms
from kelviq_server.subscriptions.purchases.rules import PATIENCE, items_of, wanted_of


async def reckon(tx: Tx, customer: Customer, before: Subscription, change: ChangePlan) -> PlanChange:
    """Return what a change of a locked record comes to at this instant.

    Raises BoughtOnce, SubscriptionUnpaid, PaymentUnderWay, ChangeWaits, TrialEndPast, TrialOfOneTime, and what stops a
    sale.
    """
    if before.billing_type is BillingType.ONE_TIME:
        raise BoughtOnce
    if before.status is SubscriptionStatus.INCOMPLETE or await life.find_waiting(tx, before.lineage_id) is not None:
        raise ChangeWaits
    if before.owing_since is not None:
        raise SubscriptionUnpaid
    if await orders.list_open(tx, before.lineage_id):
        # What may never be paid is not credited, and an order stays with the record that answers for it.
        raise PaymentUnderWay
    buyer = customers.buyer_of(customer)
    had = await purchases.terms_of(tx, before, buyer)
    version, price = await _sold(tx, before, had, change)
    if version.plan_id != before.plan_id:
        method = await payments.find_charged(tx, customer.id, before.method_id, or_default=before.has_fallback)
        sales.refuse_elsewhere(version, sales.place_of(customer, method, change.address).country)
    wanted = replace(wanted_of(before), period=change.period)
    if version.plan_id != before.plan_id or change.period is not before.charge_period:
        # What was agreed on holds for what it was agreed on for.
        wanted = replace(wanted, custom_amount=None, tax_behavior=None)
    if change.features is None:
        features = await plans.priced_features(tx, price)
        kept = sales.kept_quantities(price, change.period, features, before.features)
        wanted = sales.within_bounds(price, features, replace(wanted, features=kept))
    else:
        wanted = replace(wanted, features=change.features)
    terms = await purchases.terms_for(tx, before, version, price, wanted, buyer)
    # With those, too, that were not asked for.
    terms = replace(terms, wanted=replace(wanted, features=sales.bought(terms.items)))
    timing = rules.timing_of(before, terms, change.end_trial, tx.now)
    is_new_period = timing.period != before.period
    if is_new_period and timing.status is SubscriptionStatus.ACTIVE:
        # What publishing promised holds from the next period on, whatever that begins with.
        terms = await cycles.promised(tx, customer, before, terms)
    used, is_used_later = Used(), change.activates_on_payment and timing.period is not None
    if not before.is_on_trial:
        begins_at = tx.now if is_new_period else None
        used = await metering.no_longer_charged(tx, before, had, terms.price, terms.wanted.period, begins_at)
    charged = [] if is_used_later else used.items
    reckoned = rules.plan_change(before, terms, timing, change.proration, charged, tx.now)
    # What changes nothing charges nothing, and neither does it what waits for the next invoice.
    if not reckoned.changes(before):
        return replace(reckoned, items=[], carried=before.carried)
    return replace(reckoned, used=used, is_used_later=is_used_later)


async def _sold(tx: Tx, before: Subscription, had: Terms, change: ChangePlan) -> tuple[PlanVersion, Price]:
    """Return the version and the price to change to: of the plan somebody has, those they bought, if these do."""
    if change.plan == had.version.identifier and any(part.charge_every(change.period) for part in had.price.components):
        return had.version, had.price
    if change.plan == had.version.identifier and before.custom_amount is not None:
        return had.version, had.price
    version = await plans.find_for_sale(tx, change.plan)
    if version is None:
        raise PlanNotForSale
    return version, sales.price_for(version, before.currency, None)


async def _invoice_of(tx: Tx, before: Subscription, change: PlanChange) -> Invoice | None:
    """Return what is invoiced now, with the customer's credit; None where nothing is."""
    if not change.items:
        return None
    return await invoicing.invoice_of(tx, before, change.terms, change.items, change.timing.cycle)


async def preview_of(
    tx: Tx, customer: Customer, before: Subscription, wanted: ChangePlan, change: PlanChange
) -> Preview:
    """Return what a change would come to, and what comes after it."""
    timing, invoice = change.timing, await _invoice_of(tx, before, change)
    if timing.period is None:
        return Preview(before.currency, invoice, None, None, None)
    credit = await ledger.find_credit(tx, before.customer_id, before.currency)
    if invoice is not None:
        # What the invoice uses of the credit, or adds to it.
        credit -= invoice.credit_units
    carried = [*change.carried, *(change.used.items if change.is_used_later else ())]
    new = _record(before, wanted, change, tx.now)
    cycle = timing.cycle + (timing.status is SubscriptionStatus.ACTIVE)
    if new.ends_at is not None and new.ends_at <= timing.period.end:
        # Nothing comes after it but what waits.
        last = make_invoice(carried, change.terms.discounts, cycle, credit) if carried else None
        return Preview(before.currency, invoice, None, last, new.ends_at)
    terms = await cycles.promised(tx, customer, new, change.terms)
    following = period_of(timing.anchor_at, terms.wanted.period, timing.period_index + 1, before.time_zone)
    items = items_of(terms.items, terms.tax, following)
    return Preview(
        before.currency,
        invoice,
        make_invoice(items, terms.discounts, cycle, 0),
        make_invoice([*items, *carried], terms.discounts, cycle, credit),
        timing.period.end,
    )


async def begin(tx: Tx, customer: Customer, before: Subscription, wanted: ChangePlan, change: PlanChange) -> Changed:
    """Write a change of a locked record down and begin its payment.

    The new record takes the old one's place at once, or when it is paid. Raises PaymentMethodRequired.
    """
    invoice = await _invoice_of(tx, before, change)
    new, is_charged = _record(before, wanted, change, tx.now), not change.is_used_later
    if is_charged:
        await metering.note_charged(tx, before, change.used)
    if invoice is None:
        added = await life.add(tx, new)
        tx.announce(await collection.take_effect(tx, added, is_used_charged=is_charged))
        return Changed(new.id, None)
    waits = wanted.activates_on_payment and invoice.due_units > 0
    until = Collection.UNTIL_AUTHENTICATED if waits else Collection.UNTIL_PAID
    sale = await invoicing.sale_of(tx, customer, new, change.terms, invoice, collection=until)
    if invoice.due_units > 0 and sale.method is None:
        raise PaymentMethodRequired
    order = await invoicing.write_sale(tx, sale)
    method_id = new.method_id if sale.method is None else sale.method.id
    taken = invoicing.taken_by(order, change.taken)
    added = await life.add(tx, replace(new, taken=taken, method_id=method_id))
    if not waits:
        tx.announce(await collection.take_effect(tx, added, is_used_charged=is_charged))
    return Changed(new.id, await invoicing.settle_sale(tx, sale, order))


def _record(before: Subscription, wanted: ChangePlan, change: PlanChange, now: datetime) -> NewSubscription:
    """Return the record of a change whose payment is yet to come."""
    terms, timing = change.terms, change.timing
    period_end = None if timing.period is None else timing.period.end
    # What was to end with its period ends with the new one; what is bought once does not end at all.
    is_ending = before.ends_at is not None and period_end is not None
    ends_at = (period_end if before.ends_at == before.period_end else before.ends_at) if is_ending else None
    limits = [now + PATIENCE, before.period.end, *([before.ends_at] if before.ends_at else [])]
    return NewSubscription(
        id=new_id(now),
        lineage_id=before.lineage_id,
        predecessor_id=before.id,
        is_seen=True,
        status=SubscriptionStatus.INCOMPLETE,
        billing_type=BillingType.SUBSCRIPTION if timing.period else BillingType.ONE_TIME,
        customer_id=before.customer_id,
        product_id=terms.product.id,
        plan_id=terms.version.plan_id,
        version_id=terms.version.id,
        price_id=terms.price.id,
        charge_period=terms.wanted.period,
        currency=before.currency,
        features=terms.wanted.features,
        custom_amount=terms.wanted.custom_amount,
        tax_behavior=terms.wanted.tax_behavior,
        amount_units=terms.amount_units,
        discount_id=before.discount_id if terms.discount is not None else None,
        cycle=timing.cycle,
        time_zone=before.time_zone,
        anchor_at=timing.anchor_at,
        period_index=timing.period_index,
        period_start=timing.period.start if timing.period else None,
        period_end=period_end,
        trial_start_at=timing.trial_start_at,
        trial_end_at=timing.trial_end_at,
        worth=change.worth,
        carried=change.carried,
        started_at=before.started_at,
        ends_at=ends_at,
        canceled_at=before.canceled_at if is_ending else None,
        cancellation_reason=before.cancellation_reason if is_ending else None,
        cancellation_feedback=before.cancellation_feedback if is_ending else None,
        cancellation_comment=before.cancellation_comment if is_ending else None,
        expires_at=min(limits),
        method_id=before.method_id,
        has_fallback=before.has_fallback,
        request_id=wanted.request_id,
    )
