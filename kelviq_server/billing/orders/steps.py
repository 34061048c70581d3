"""What the parts of billing, and other modules, borrow of orders: opening one, and how it ends.

An order is opened in the transaction that needs it paid. Its attempt is carried out with no transaction open, and
what came of it ends the order in the next.

Everybody locks in one order: the customer, the order, its discount, the status of orders (which is counted), that of
subscriptions, the tenant's books, the status of transactions.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from kelviq_server.billing.invoices import steps as invoices
from kelviq_server.billing.invoices.records import InvoiceStatus
from kelviq_server.billing.ledger import rules as journal
from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.ledger.records import EntryKind
from kelviq_server.billing.orders import rules, store
from kelviq_server.billing.orders.events import (
    InvoiceCreated,
    InvoicePaid,
    InvoicePaymentFailed,
    OrderCreated,
    OrderRefunded,
    OrderUpdated,
)
from kelviq_server.billing.orders.records import (
    BillingType,
    Collection,
    Opened,
    Order,
    OrderFollower,
    Sale,
    SubscriptionSummary,
    WholeOrder,
)
from kelviq_server.billing.orders.schemas import OrderCustomer, OrderPaymentMethod, currency_symbol, method_answer
from kelviq_server.billing.orders.store import (
    PAID_IN,
    find_by_request,
    find_currency,
    get_order,
    list_by_id,
    list_of_customer,
    list_open,
    lock_order,
)
from kelviq_server.billing.payment_links.steps import payment_link
from kelviq_server.billing.transactions import steps as transactions
from kelviq_server.billing.transactions.records import TransactionKind
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.products import steps as products
from kelviq_server.entitlements.license_keys import steps as licenses
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt, Failure, Outcome, PaymentMethod
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.values import currency_exponents
from kelviq_server.promotions.discounts import steps as discounts

__all__ = [
    "PAID_IN",
    "OrderCustomer",
    "OrderPaymentMethod",
    "begin_payment",
    "currency_symbol",
    "find_by_request",
    "find_currency",
    "get_order",
    "give_back",
    "give_free",
    "give_up",
    "issue_credit",
    "list_by_id",
    "list_of_customer",
    "list_open",
    "lock_order",
    "method_answer",
    "open_order",
    "pay_again",
    "set_aside",
    "settle",
    "shown_wholes_of",
    "stop_asking",
    "use_order_followers",
    "wholes_by_id",
    "wholes_of",
    "write_order",
]


_followers: Sequence[OrderFollower] = ()


def use_order_followers(followers: Sequence[OrderFollower]) -> None:
    """Let these upper modules follow how orders end from now on, in this order."""
    global _followers
    _followers = followers


async def open_order(tx: Tx, sale: Sale) -> Opened:
    """Write an order with its draft invoice, and begin its payment; where nothing is due it is complete at once.

    The customer is locked, and what of their credit the invoice uses is theirs.
    """
    return await begin_payment(tx, await write_order(tx, sale), sale)


async def write_order(tx: Tx, sale: Sale) -> Order:
    """Write an order with its draft invoice, whose payment is yet to begin: `begin_payment` is next.

    In between whoever sells writes down what is sold: orders are counted before subscriptions, by everybody.
    """
    order = await store.insert_order(tx, sale, None if sale.method is None else rules.paid_with(sale.method))
    await invoices.add_draft(tx, order, sale)
    if sale.invoice.credit_units:
        await ledger.hold_credit(tx, sale.buyer.id, sale.currency, sale.invoice.credit_units, order.id)
    return order


async def begin_payment(tx: Tx, order: Order, sale: Sale) -> Opened:
    """Begin the payment of an order that was written just now.

    Where nothing is due it is complete at once, and where there is nothing to pay with it is owed.
    """
    if not order.due_units:
        await complete_order(tx, order, None, None)
        return Opened(order.id, None)
    if sale.method is None:
        await _leave_open(tx, order, Failure.NO_METHOD)
        return Opened(order.id, None)
    return Opened(order.id, await _begin(tx, order, sale.method, is_on_session=sale.is_on_session))


async def pay_again(tx: Tx, order: Order, method: PaymentMethod, *, is_on_session: bool = False) -> Attempt:
    """Begin another payment of a locked order that is owed, whose last one failed, with this method."""
    order = await store.update_method(tx, order.id, rules.paid_with(method))
    return await _begin(tx, order, method, is_on_session=is_on_session)


async def _begin(tx: Tx, order: Order, method: PaymentMethod, *, is_on_session: bool) -> Attempt:
    attempt = await payments.begin_charge(
        tx, new_id(tx.now), method, order.id, order.due_units, order.currency, is_on_session=is_on_session
    )
    paid_with = rules.paid_with(method)
    await transactions.note_attempt(
        tx, attempt.id, TransactionKind.CHARGE, order, attempt.amount_units, paid_with, None
    )
    return attempt


async def issue_credit(tx: Tx, sale: Sale) -> None:
    """Issue an invoice that comes to less than nothing: its locked customer has so much more credit from now on."""
    invoice = await invoices.issue_credit(tx, sale)
    lines = journal.credit_invoiced(
        sale.currency, sale.buyer.id, total_units=invoice.total_units, tax_units=invoice.tax_units
    )
    await ledger.insert_entry(tx, EntryKind.CREDIT_INVOICED, lines, invoice_id=invoice.id)
    organization = tx.tenant.organization
    tx.announce(InvoiceCreated(invoice, sale.buyer, sale.product, organization))
    tx.announce(InvoicePaid(invoice, sale.buyer, sale.product, organization))


async def settle(tx: Tx, attempt: Attempt, outcome: Outcome) -> WholeOrder:
    """Note how a payment ended: its order is complete, has failed, or is still owed. Return the order as it now is.

    Doing so again changes nothing, and neither does an end that is not known yet.
    """
    order = await lock_order(tx, attempt.subject)
    if await payments.settle(tx, attempt.id, outcome):
        if outcome.failure is None:
            method = None
            if attempt.is_on_session and order.collection is not Collection.ONCE:
                # Whoever was there to pay what they owe goes on with what has paid it.
                method = await payments.go_on_with(tx, order.customer_id, attempt)
            return await complete_order(tx, order, attempt, outcome, method)
        order = await _fail_payment(tx, order, attempt, outcome, outcome.failure)
    [whole] = await wholes_of(tx, [order])
    return whole


async def _fail_payment(tx: Tx, order: Order, attempt: Attempt, outcome: Outcome, failure: Failure) -> Order:
    if rules.stays_open(order, attempt, failure):
        left = await _leave_open(tx, order, failure)
        # Last, as everybody locks the status of transactions last.
        await transactions.note_failure(tx, attempt.id, outcome)
        return left
    failed = await give_up(tx, order, failure)
    [whole] = await wholes_of(tx, [failed])
    followed = [event for each in _followers for event in await each.failed(tx, whole, failure)]
    await transactions.note_failure(tx, attempt.id, outcome)
    tx.announce_all(followed)
    return failed


async def complete_order(
    tx: Tx, order: Order, attempt: Attempt | None, outcome: Outcome | None, method: PaymentMethod | None = None
) -> WholeOrder:
    """Note that a locked order is paid, by this attempt if anything was due: issue its invoice, enter it, tell it.

    `method`: what its customer goes on paying with, where they were there to choose it.
    Returns the order as it now is.
    """
    paid = await store.update_paid(tx, order.id)
    await store.insert_events(tx, paid, rules.completed(paid, currency_exponents()[order.currency]))
    [whole] = await wholes_of(tx, [paid])
    whole = whole if method is None else replace(whole, goes_on_with=method.id)
    followed = [event for each in _followers for event in await each.paid(tx, whole)]
    if whole.version.license.enabled:
        issued_keys = await licenses.list_of_purchases(tx, {paid.purchase_id})
        whole = replace(whole, licenses=issued_keys.get(paid.purchase_id, ()))
    seller = await invoices.seller_now(tx)
    # From here on the tenant's other sales wait for their numbers: whatever can be done before is done by now.
    issued = await invoices.issue_paid(tx, order.invoice_id, seller, order.due_units)
    fee_units = 0
    if attempt is not None and outcome is not None:
        success = await transactions.note_success(
            tx, attempt.id, order, outcome, order.due_units, order.tax_units, issued.sold_before_units
        )
        fee_units = success.fee_units
    lines = journal.payment(
        order.currency,
        order.customer_id,
        charged_units=order.due_units,
        credit_units=order.credit_units,
        tax_units=order.tax_units,
        fee_units=fee_units,
    )
    if lines:
        await ledger.insert_entry(
            tx, EntryKind.PAYMENT, lines, order_id=order.id, transaction_id=attempt.id if attempt else None
        )
    organization, invoice = tx.tenant.organization, issued.invoice
    tx.announce_all([OrderCreated(whole, organization), OrderUpdated(whole, organization, order.status)])
    if issued.is_new:
        tx.announce(InvoiceCreated(invoice, order.buyer, whole.product, organization))
    tx.announce(
        InvoicePaid(invoice, order.buyer, whole.product, organization, previous_status=_shown(issued.status_before))
    )
    tx.announce_all(followed)
    return whole


def _shown(before: InvoiceStatus) -> InvoiceStatus:
    # A draft is nobody's business: an invoice is issued as an open one.
    return InvoiceStatus.OPEN if before is InvoiceStatus.DRAFT else before


async def _leave_open(tx: Tx, order: Order, failure: Failure) -> Order:
    """Note that a locked order is still owed: its invoice is issued, and says so."""
    await store.insert_events(tx, order, rules.failed(order, payments.text_of(failure)))
    [whole] = await wholes_of(tx, [order])
    followed = [event for each in _followers for event in await each.left_open(tx, whole, failure)]
    status = rules.status_of_owed(failure)
    issued = await invoices.issue_owed(tx, order.invoice_id, await invoices.seller_now(tx), status)
    organization, invoice = tx.tenant.organization, issued.invoice
    link = payment_link(tx, invoice.id)
    if issued.is_new:
        tx.announce(InvoiceCreated(invoice, order.buyer, whole.product, organization, link))
    tx.announce(InvoicePaymentFailed(invoice, order.buyer, whole.product, organization, link))
    tx.announce_all(followed)
    return order


async def stop_asking(tx: Tx, order: Order, failure: Failure) -> bool:
    """Give a locked order up that is owed; where a payment is on its way, when that has failed. Say whether it is."""
    if await payments.has_pending(tx, order.id):
        await store.update_collection(tx, order.id, Collection.ONCE)
        return False
    await give_up(tx, order, failure)
    return True


async def give_up(tx: Tx, order: Order, failure: Failure) -> Order:
    """Note that a locked order is not paid and will not be: its invoice comes to nothing, held credit is given back.

    Returns the order as it now is.
    """
    # First, as a sale locks its discount first.
    await discounts.release(tx, order_id=order.id)
    failed = await store.update_failed(tx, order.id)
    await invoices.drop(tx, order.invoice_id)
    if order.credit_units:
        await ledger.release_credit(tx, order.customer_id, order.currency, order.credit_units, order.id)
    await store.insert_events(tx, failed, rules.failed(failed, payments.text_of(failure)))
    return failed


async def set_aside(tx: Tx, order: Order, amount_units: int) -> None:
    """Set so much of a locked order aside for a refund; the database refuses more than is left."""
    await store.update_refunding(tx, order.id, amount_units)


async def give_free(tx: Tx, order: Order, amount_units: int, reason: str) -> None:
    """Note that a refund of a locked order failed: what was set aside for it can be refunded again."""
    await store.update_refunding(tx, order.id, -amount_units)
    exponent = currency_exponents()[order.currency]
    await store.insert_events(tx, order, rules.refund_noted(order, amount_units, exponent, reason))


async def give_back(tx: Tx, order: Order, amount_units: int) -> Order:
    """Note that so much of what was set aside of a locked order is refunded, tell it, and return the order."""
    refunded = await store.update_refunded(tx, order.id, amount_units)
    exponent = currency_exponents()[order.currency]
    await store.insert_events(tx, refunded, rules.refund_noted(refunded, amount_units, exponent, None))
    [whole] = await wholes_of(tx, [refunded])
    tx.announce(OrderRefunded(whole, tx.tenant.organization, order.status))
    if refunded.status is not order.status:
        tx.announce(OrderUpdated(whole, tx.tenant.organization, order.status))
    return refunded


async def wholes_of(tx: Tx, orders: Sequence[Order]) -> list[WholeOrder]:
    """Return orders with their products and the versions of the plans that were bought."""
    bought = await products.list_by_id(tx, {order.product_id for order in orders})
    versions = await plans.list_by_id(tx, {order.plan_version_id for order in orders})
    return [WholeOrder(order, bought[order.product_id], versions[order.plan_version_id]) for order in orders]


async def shown_wholes_of(tx: Tx, orders: Sequence[Order]) -> list[WholeOrder]:
    """Return orders with what was bought, its licences, and the subscriptions that they are for."""
    wholes = await wholes_of(tx, orders)
    ids = {order.subscription_id for order in orders if order.billing_type is BillingType.SUBSCRIPTION}
    known: dict[UUID, SubscriptionSummary] = {}
    for follower in _followers if ids else ():
        known |= await follower.summaries(tx, ids)
    issued = await licenses.list_of_purchases(tx, {order.purchase_id for order in orders})
    return [
        replace(
            whole,
            subscription=known.get(whole.order.subscription_id),
            licenses=issued.get(whole.order.purchase_id, ()),
        )
        for whole in wholes
    ]


async def wholes_by_id(tx: Tx, ids: Sequence[str]) -> dict[str, WholeOrder]:
    """Return orders, pending ones too, with all that answers show of them, by id."""
    found = await store.list_by_id(tx, ids)
    return {whole.order.id: whole for whole in await shown_wholes_of(tx, list(found.values()))}
