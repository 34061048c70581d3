"""All SQL about invoices, credit notes and their numbers."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from kelviq_server.billing.invoices.records import Invoice, InvoiceStatus, Issued, NewInvoice, Taken
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.listing import CHOSEN, Listed, counted_listing, listing, page_parameters_of
from kelviq_server.platform.paging import Page

_NOTES: LiteralString = (
    " (SELECT coalesce(json_agg(note), '[]') FROM (SELECT id, number, refund_id, net_units, tax_units, total_units,"
    "   created_at FROM credit_notes AS n WHERE n.tenant_id = page.tenant_id AND n.invoice_id = page.id"
    "   ORDER BY n.number) AS note) AS credit_notes"
)
_COLUMNS: LiteralString = (
    "id, number, status, order_id, customer_id, subscription_id, currency, lines, subtotal_units, discount_units,"
    " tax_units, total_units, credit_units, buyer, seller, opened_at, paid_at, created_at, modified_at"
)
_INVOICE: LiteralString = _COLUMNS + "," + _NOTES
_ISSUED: LiteralString = "SELECT id, number AS seq FROM invoices WHERE tenant_id = %(tenant_id)s AND number IS NOT NULL"
_ROWS: LiteralString = "SELECT *, number AS seq FROM invoices WHERE tenant_id = %(tenant_id)s AND " + CHOSEN


# Numbers are taken by drafts alone. One row for each tenant, late in a transaction: others wait for it.
_NUMBERED: LiteralString = (
    "numbered AS (INSERT INTO books AS b (tenant_id, invoices) SELECT %(tenant_id)s, 1 FROM before WHERE is_new"
    "  ON CONFLICT (tenant_id) DO UPDATE SET invoices = b.invoices + 1 RETURNING invoices AS taken)"
)
_ISSUING: LiteralString = (
    "number = coalesce(number, (SELECT taken FROM numbered)), opened_at = coalesce(opened_at, %(now)s),"
    " seller = CASE WHEN is_new THEN %(seller)s::json ELSE seller END"
)
_RETURNED: LiteralString = (
    "invoices.id, number, status, order_id, customer_id, subscription_id, invoices.currency, lines, subtotal_units,"
    " discount_units, tax_units, total_units, credit_units, buyer, seller, opened_at, paid_at, created_at, modified_at"
)


async def list_invoices(tx: Tx, order_id: str | None, page: Page) -> Listed[Invoice]:
    """Return a page of the issued invoices, newest first; of one order, where it is named."""
    return await tx.decoded(
        Listed[Invoice],
        # Numbers have no gaps: the highest one is the count.
        counted_listing(
            "SELECT coalesce(max(number), 0) AS count FROM invoices WHERE tenant_id = %(tenant_id)s",
            _ISSUED,
            _ROWS,
            _INVOICE,
        )
        if order_id is None
        else listing(_ISSUED + " AND order_id = %(order_id)s", _ROWS, _INVOICE),
        {"tenant_id": tx.tenant_id, "order_id": order_id, **page_parameters_of(page)},
    )


async def get_invoice(tx: Tx, id: str) -> Invoice:
    """Return an issued invoice with its credit notes; raises NotFound, for a draft too."""
    found = await tx.find_decoded(
        Invoice,
        "SELECT row_to_json(invoice) FROM (SELECT " + _INVOICE + " FROM invoices AS page"
        " WHERE tenant_id = %s AND id = %s AND number IS NOT NULL) AS invoice",
        (tx.tenant_id, id),
    )
    if found is None:
        raise NotFound
    return found


async def get_new_id(tx: Tx) -> str:
    """Return an id for an invoice that has no order: an order brings one along."""
    return await tx.value("SELECT document_id('INV', %s, nextval('document_numbers'))", (tx.now,))


async def insert_draft(tx: Tx, id: str, new: NewInvoice) -> None:
    """Write an invoice that may yet come to nothing."""
    await tx.execute(
        "INSERT INTO invoices (tenant_id, id, status, order_id, customer_id, subscription_id, currency, lines,"
        "  subtotal_units, discount_units, tax_units, total_units, credit_units, buyer, seller, created_at,"
        "  modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, 'DRAFT', %(order_id)s, %(customer_id)s, %(subscription_id)s, %(currency)s,"
        "  %(lines)s, %(subtotal_units)s, %(discount_units)s, %(tax_units)s, %(total_units)s, %(credit_units)s,"
        "  %(buyer)s, %(seller)s, %(now)s, %(now)s)",
        {
            "tenant_id": tx.tenant_id,
            "id": id,
            "order_id": new.order_id,
            "customer_id": new.customer_id,
            "subscription_id": new.subscription_id,
            "currency": new.currency,
            "lines": msgspec.json.encode(new.lines).decode(),
            "subtotal_units": new.subtotal_units,
            "discount_units": new.discount_units,
            "tax_units": new.tax_units,
            "total_units": new.total_units,
            "credit_units": new.credit_units,
            "buyer": new.buyer,
            "seller": new.seller,
            "now": tx.now,
        },
    )


async def update_paid(tx: Tx, id: str, seller: str, sold_units: int) -> Issued:
    """Note that an invoice is paid and return it; a draft is issued under the next number.

    Notes what is sold with it, too. Others wait for their numbers until this commits.
    """
    issued = await tx.find_decoded(
        Issued,
        "WITH before AS (SELECT id, currency, status AS status_before, number IS NULL AS is_new FROM invoices"
        "  WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND status IN ('DRAFT', 'OPEN', 'PAYMENT_FAILED')"
        "), " + _NUMBERED + ", sold AS (INSERT INTO sold_amounts AS s (tenant_id, currency, amount_units)"
        "  SELECT %(tenant_id)s, currency, %(sold)s FROM before"
        "  ON CONFLICT (tenant_id, currency) DO UPDATE SET amount_units = s.amount_units + %(sold)s"
        "  RETURNING amount_units - %(sold)s AS sold_before_units"
        "), invoice AS (UPDATE invoices SET status = 'PAID', paid_at = %(now)s, modified_at = %(now)s, " + _ISSUING
        + "  FROM before WHERE tenant_id = %(tenant_id)s AND invoices.id = before.id"
        "  RETURNING " + _RETURNED + ", status_before)"
        " SELECT json_build_object('invoice', row_to_json(invoice), 'status_before', status_before,"
        "  'sold_before_units', sold_before_units) FROM invoice, sold",
        {"tenant_id": tx.tenant_id, "id": id, "seller": seller, "sold": sold_units, "now": tx.now},
    )  # fmt: skip
    assert issued is not None
    return issued


async def update_owed(tx: Tx, id: str, seller: str, status: InvoiceStatus) -> Issued:
    """Note how an invoice stands that is owed and return it; a draft is issued under the next number."""
    issued = await tx.find_decoded(
        Issued,
        "WITH before AS (SELECT id, status AS status_before, number IS NULL AS is_new FROM invoices"
        "  WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND status IN ('DRAFT', 'OPEN', 'PAYMENT_FAILED')"
        "), " + _NUMBERED + ", invoice AS (UPDATE invoices SET status = %(status)s, modified_at = %(now)s, " + _ISSUING
        + "  FROM before WHERE tenant_id = %(tenant_id)s AND invoices.id = before.id"
        "  RETURNING " + _RETURNED + ", status_before)"
        " SELECT json_build_object('invoice', row_to_json(invoice), 'status_before', status_before,"
        "  'sold_before_units', 0) FROM invoice",
        {"tenant_id": tx.tenant_id, "id": id, "seller": seller, "status": status, "now": tx.now},
    )  # fmt: skip
    assert issued is not None
    return issued


async def update_void(tx: Tx, id: str) -> None:
    """Let an invoice come to nothing: a draft, or one that is owed, which keeps its number."""
    await tx.execute(
        "UPDATE invoices SET status = 'VOID', modified_at = %s WHERE tenant_id = %s AND id = %s AND status <> 'PAID'",
        (tx.now, tx.tenant_id, id),
    )


async def list_taken(tx: Tx, invoice_id: str) -> list[list[Taken]]:
    """Return the lines of an invoice's credit notes, in their order."""
    return await tx.decoded(
        list[list[Taken]],
        "SELECT coalesce(json_agg(lines ORDER BY number), '[]') FROM credit_notes"
        " WHERE tenant_id = %s AND invoice_id = %s",
        (tx.tenant_id, invoice_id),
    )


async def insert_credit_note(tx: Tx, invoice: Invoice, refund_id: UUID, lines: Sequence[Taken], seller: str) -> None:
    """Issue a credit note for a refund under the next number, to the buyer of the invoice.

    Others wait for theirs until this commits.
    """
    net_units, tax_units = sum(line.net_units for line in lines), sum(line.tax_units for line in lines)
    await tx.execute(
        "WITH numbered AS (INSERT INTO books AS b (tenant_id, credit_notes) VALUES (%(tenant_id)s, 1)"
        "  ON CONFLICT (tenant_id) DO UPDATE SET credit_notes = b.credit_notes + 1 RETURNING credit_notes AS taken)"
        " INSERT INTO credit_notes (tenant_id, id, number, invoice_id, refund_id, currency, lines, net_units,"
        "  tax_units, total_units, buyer, seller, created_at)"
        " SELECT %(tenant_id)s, document_id('CN', %(now)s, nextval('document_numbers')), taken, %(invoice_id)s,"
        "  %(refund_id)s, %(currency)s, %(lines)s, %(net_units)s, %(tax_units)s, %(total_units)s, %(buyer)s,"
        "  %(seller)s, %(now)s FROM numbered",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "invoice_id": invoice.id,
            "refund_id": refund_id,
            "currency": invoice.currency,
            "lines": msgspec.json.encode(lines).decode(),
            "net_units": net_units,
            "tax_units": tax_units,
            "total_units": net_units + tax_units,
            "buyer": bytes(invoice.buyer).decode(),
            "seller": seller,
        },
    )
