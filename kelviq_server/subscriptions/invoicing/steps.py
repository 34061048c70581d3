"""How what a subscription comes to is invoiced, and its payment begun."""

from collections.abc import Sequence
from datetime import datetime

from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import Collection, Order, Sale
from kelviq_server.core.invoice import Invoice, Item, make_invoice
from kelviq_server.core.period import Period
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt
from kelviq_server.platform.database import Tx
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.records import NewSubscription, Subscription, Taken
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Terms


async def invoice_of(tx: Tx, before: Subscription, terms: Terms, items: Sequence[Item], cycle: int) -> Invoice:
    """Return the invoice of what a subscription comes to in a cycle, with the customer's credit."""
    credit = await ledger.find_credit(tx, before.customer_id, before.currency)
    return make_invoice(items, terms.discounts, cycle, credit)


async def sale_of(
    tx: Tx,
    customer: Customer,
    subscription: NewSubscription,
    terms: Terms,
    invoice: Invoice,
    *,
    period: Period | None = None,
    collection: Collection = Collection.UNTIL_PAID,
) -> Sale:
    """Return what a locked customer is to be charged by an invoice of a subscription, with what it is charged to.

    `period`: which one it renews, where it does.
    """
    method = None
    if invoice.due_units > 0:
        method = await payments.find_charged(
            tx, customer.id, subscription.method_id, or_default=subscription.has_fallback
        )
    return Sale(
        buyer=life.billed(customer),
        product=terms.product,
        version=terms.version,
        currency=subscription.currency,
        invoice=invoice,
        billing_type=subscription.billing_type,
        subscription_id=subscription.id,
        lineage_id=subscription.lineage_id,
        period_start=None if period is None else period.start,
        features=subscription.features,
        method=method,
        is_renewal=period is not None,
        collection=collection,
    )


async def write_sale(tx: Tx, sale: Sale) -> Order | None:
    """Write the order of a sale, `settle_sale` being next; None where it comes to less than nothing."""
    return None if sale.invoice.total_units < 0 else await orders.write_order(tx, sale)


async def settle_sale(tx: Tx, sale: Sale, order: Order | None) -> Attempt | None:
    """Begin the payment of a sale, or let the customer have its credit; without a method what is due is owed."""
    if order is None:
        await orders.issue_credit(tx, sale)
        return None
    return (await orders.begin_payment(tx, order, sale)).attempt


def collecting(tx: Tx, order: Order | None) -> datetime | None:
    """Return since when a payment is on its way for which the clock waits, where one is about to be."""
    return tx.now if order is not None and order.payment_method is not None else None


def taken_by(order: Order | None, items: Sequence[Item]) -> list[Taken]:
    """Return what an order takes over that is its customer's, paid or not: credits, where they outweigh."""
    outweighs = sum(item.amount_units for item in items) < 0
    return [Taken(order.id, list(items))] if order is not None and outweighs else []


async def give_back(tx: Tx, subscription: Subscription, items: Sequence[Item]) -> None:
    """Let the locked customer of a subscription that is over have these items as credit, where credits outweigh."""
    if sum(item.amount_units for item in items) >= 0:
        return
    [customer] = (await customers.list_by_id(tx, {subscription.customer_id})).values()
    terms = await purchases.terms_of(tx, subscription, customers.buyer_of(customer))
    invoice = await invoice_of(tx, subscription, terms, items, subscription.cycle)
    if invoice.total_units < 0:
        await orders.issue_credit(tx, await sale_of(tx, customer, subscription, terms, invoice))
