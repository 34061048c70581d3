"""How a subscription ends. Its customer is locked, and then the record."""

from dataclasses import replace

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import BillingType, Order
from kelviq_server.core.invoice import Item
from kelviq_server.core.period import Period
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.payments.records import Attempt, Failure
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.endings.records import Voided
from kelviq_server.subscriptions.invoicing import steps as invoicing
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.events import SubscriptionCancelled
from kelviq_server.subscriptions.life.records import CancellationReason, Subscription, SubscriptionStatus
from kelviq_server.subscriptions.metering import steps as metering
from kelviq_server.subscriptions.metering.records import Used
from kelviq_server.subscriptions.purchases import steps as purchases


async def end(
    tx: Tx, customer: Customer, before: Subscription, reason: CancellationReason, *, told: Subscription | None = None
) -> Attempt | None:
    """End a locked record that is in force; what was used and what waited for the next invoice is charged.

    Returns the payment of that, which is to be asked for. `told`: the record as it was told last, where something of
    it was changed since.
    """
    told = told or before
    voided = await _void(tx, before)
    used, items = Used(), [*before.carried, *voided.credits]
    terms = None
    # What is used on trial is free, and so is what is used of what is bought once.
    is_charged = before.billing_type is BillingType.SUBSCRIPTION and not before.is_on_trial
    if is_charged or items:
        terms = await purchases.terms_of(tx, before, customers.buyer_of(customer))
        if is_charged:
            used = await metering.used_within(tx, before, terms, _until(before, tx))
            used = await metering.with_late(tx, before, terms, used)
            await metering.note_charged(tx, before, used)
        items = [*used.items, *items]
    if terms is None or not items:
        await _announce(tx, told, await _ended(tx, before, reason, voided))
        return None
    invoice = await invoicing.invoice_of(tx, before, terms, items, before.cycle + 1)
    sale = await invoicing.sale_of(tx, customer, before, terms, invoice)
    order = await invoicing.write_sale(tx, sale)
    before = replace(before, method_id=before.method_id if sale.method is None else sale.method.id)
    await _announce(tx, told, await _ended(tx, before, reason, voided, order))
    return await invoicing.settle_sale(tx, sale, order)


async def give_up(tx: Tx, before: Subscription) -> None:
    """End a locked record of which something is owed that nobody paid; what it was to credit is the customer's."""
    voided = await _void(tx, before)
    after = await _ended(tx, before, CancellationReason.PROVIDER, voided)
    if before.is_in_force:
        await _announce(tx, before, after)
    await invoicing.give_back(tx, after, [*before.carried, *voided.credits])


async def _void(tx: Tx, before: Subscription) -> Voided:
    """Let nothing be owed any more that was; of what is being paid just now that is known once that has ended."""
    credits, paying = list[Item](), list[str]()
    for order in await orders.list_open(tx, before.lineage_id):
        if await orders.stop_asking(tx, order, Failure.GIVEN_UP):
            credits += [item for taken in before.taken if taken.order_id == order.id for item in taken.items]
        else:
            paying.append(order.id)
    return Voided(credits, paying)


async def _ended(
    tx: Tx, before: Subscription, reason: CancellationReason, voided: Voided, last: Order | None = None
) -> Subscription:
    is_paying = bool(voided.paying) or invoicing.collecting(tx, last) is not None
    return await life.change(
        tx,
        before,
        status=SubscriptionStatus.CANCELED,
        ends_at=before.ends_at if before.ends_at is not None and before.ends_at <= tx.now else tx.now,
        canceled_at=before.canceled_at or tx.now,
        cancellation_reason=before.cancellation_reason or reason,
        owing_since=None,
        retries=0,
        retry_at=None,
        collecting_since=tx.now if is_paying else None,
        keeps_lease=is_paying,
        method_id=before.method_id,
        carried=[],
        taken=[taken for taken in before.taken if taken.order_id in voided.paying],
    )


def _until(before: Subscription, tx: Tx) -> Period:
    """Return the part of the period for which a record that ends now was in force."""
    end = min(before.period.end, before.ends_at or tx.now, tx.now)
    return Period(before.period.start, max(end, before.period.start))


async def _announce(tx: Tx, before: Subscription, after: Subscription) -> None:
    told = await life.told_of(tx, after)
    tx.announce(SubscriptionCancelled(told, tx.tenant.organization, told.as_of(before)))
