"""What the parts of billing, and other modules, borrow of invoices."""

from uuid import UUID

import msgspec

from kelviq_server.billing.invoices import rules, store
from kelviq_server.billing.invoices.records import Invoice, InvoiceStatus, Issued, NewInvoice
from kelviq_server.billing.invoices.store import get_invoice
from kelviq_server.billing.orders.records import Order, Sale
from kelviq_server.platform.database import Tx
from kelviq_server.tenants import steps as tenants

__all__ = [
    "add_draft",
    "drop",
    "get_invoice",
    "issue_credit",
    "issue_credit_note",
    "issue_owed",
    "issue_paid",
    "seller_now",
]


async def add_draft(tx: Tx, order: Order, sale: Sale) -> None:
    """Write the invoice of an order whose payment is yet to come. The seller is that of the day it is issued."""
    await store.insert_draft(tx, order.invoice_id, _new_invoice(sale, order.id))


async def issue_paid(tx: Tx, id: str, seller: str, sold_units: int) -> Issued:
    """Note that an invoice is paid, and what is sold with it; a draft is issued under the next number.

    Others wait for their numbers until this transaction commits: it comes as late as it can.
    """
    return await store.update_paid(tx, id, seller, sold_units)


async def issue_owed(tx: Tx, id: str, seller: str, status: InvoiceStatus) -> Issued:
    """Note that an invoice is owed; a draft is issued under the next number, as late as can be."""
    return await store.update_owed(tx, id, seller, status)


async def issue_credit(tx: Tx, sale: Sale) -> Invoice:
    """Issue an invoice whose credits outweigh what it charges: nothing is paid by it, so it is settled at once."""
    id = await store.get_new_id(tx)
    await store.insert_draft(tx, id, _new_invoice(sale, None))
    return (await store.update_paid(tx, id, await seller_now(tx), 0)).invoice


async def drop(tx: Tx, id: str) -> None:
    """Let the invoice of an order that is not paid come to nothing: a draft has used no number up, others keep it."""
    await store.update_void(tx, id)


def _new_invoice(sale: Sale, order_id: str | None) -> NewInvoice:
    invoice = sale.invoice
    return NewInvoice(
        order_id=order_id,
        customer_id=sale.buyer.id,
        subscription_id=sale.subscription_id,
        currency=sale.currency,
        lines=rules.lines_of(invoice),
        subtotal_units=invoice.subtotal_units,
        discount_units=invoice.discount_units,
        tax_units=invoice.tax_units,
        total_units=invoice.total_units,
        credit_units=invoice.credit_units,
        buyer=msgspec.json.encode(sale.buyer).decode(),
        seller="{}",
    )


async def issue_credit_note(tx: Tx, order: Order, amount_units: int, refund_id: UUID) -> int:
    """Issue the credit note of a refund and return how much of it is tax, in minor units."""
    invoice = await store.get_invoice(tx, order.invoice_id)
    lines = rules.credit_lines(invoice.lines, await store.list_taken(tx, invoice.id), amount_units)
    await store.insert_credit_note(tx, invoice, refund_id, lines, await seller_now(tx))
    return sum(line.tax_units for line in lines)


async def seller_now(tx: Tx) -> str:
    """Return the seller's details of this moment, as documents keep them."""
    seller = await tenants.get_seller(tx)
    address = None if seller.billing_address is None else msgspec.Raw(seller.billing_address.encode())
    kept = {
        "name": seller.name,
        "legal_name": seller.legal_name,
        "email": seller.email,
        "billing_address": address,
        "tax_id": seller.tax_id,
    }
    return msgspec.json.encode(kept).decode()
