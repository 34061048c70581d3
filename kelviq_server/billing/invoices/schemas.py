"""Invoices as the wire spells them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Raw
from pydantic import Field

from kelviq_server.billing.invoices import rules
from kelviq_server.billing.invoices.records import Invoice, InvoiceCreditNote, InvoiceLine, InvoiceStatus
from kelviq_server.core.money import to_amount
from kelviq_server.platform.json_body import parse
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Number, currency_exponents
from kelviq_server.platform.wire import Answer, wire_instant


class InvoiceLineAnswer(Answer):
    """One line of an invoice. Amounts are in the currency's minor unit."""

    description: str = Field(description="What it is.")
    quantity: int
    unit_price: Number | None = Field(
        description="Of one as it is written, in the major unit; null where there is no single price."
    )
    period_start: datetime | None
    period_end: datetime | None
    amount_units: int = Field(
        description="What the price comes to before discounts; without its tax, where a business is let have that."
    )
    discount_units: int = Field(description="What discounts take off that.")
    net_units: int = Field(description="What is left, without tax.")
    tax_units: int
    total_units: int
    tax_name: str = Field(description="What the tax is called; empty where no rate is known.", examples=["VAT"])
    tax_rate: Number = Field(description="In percent; 0 where the buyer accounts for the tax.")
    is_tax_inclusive: bool = Field(description="Whether the price holds the tax.")
    is_reverse_charge: bool = Field(description="Whether the buyer accounts for the tax.")


class CreditNoteAnswer(Answer):
    """What takes part of an invoice back. Amounts are in the currency's minor unit."""

    id: str
    number: int = Field(description="Credit notes are numbered without gaps.")
    refund_id: UUID
    net_units: int
    tax_units: int
    total_units: int
    created_on: datetime


class InvoiceResponse(Answer):
    """An issued invoice. It never changes, but for its status; corrections are credit notes."""

    id: str = Field(description="The invoice's id.", examples=["INV-20260729103000-XZ7Q1"])
    number: int = Field(description="Invoices of an environment are numbered from 1 without gaps.")
    status: InvoiceStatus
    order_id: str | None = Field(description="The order that it is the invoice of; null where nothing is sold by it.")
    currency: str
    lines: list[InvoiceLineAnswer]
    amount_subtotal: str = Field(description="What the prices come to, before discounts.")
    amount_discount: str
    amount_tax: str
    amount_total: str
    amount_credit: str = Field(description="What the customer's credit paid of it.")
    amount_due: str = Field(description="What was paid through the payment gateway.")
    buyer: dict[str, Any] = Field(description="The customer as they were: `customerId`, `name`, `email` and so on.")
    seller: dict[str, Any] = Field(description="The organization as it was: `legalName`, `billingAddress`, `taxId`.")
    credit_notes: list[CreditNoteAnswer]
    issued_on: datetime
    paid_at: datetime | None


class InvoiceListResponse(ListAnswer):
    """One page of the invoices, newest first."""

    results: list[InvoiceResponse] = Field(description="The invoices of this page.")


def invoice_answer(invoice: Invoice) -> dict[str, Any]:
    """Return an issued invoice as the API answers with it."""
    exponent = currency_exponents()[invoice.currency]
    assert invoice.opened_at is not None

    def text(units: int) -> str:
        return str(to_amount(units, exponent))

    return {
        "id": invoice.id,
        "number": invoice.number,
        "status": invoice.status,
        "orderId": invoice.order_id,
        "currency": invoice.currency,
        "lines": [_line(line) for line in invoice.lines],
        "amountSubtotal": text(invoice.subtotal_units),
        "amountDiscount": text(invoice.discount_units),
        "amountTax": text(invoice.tax_units),
        "amountTotal": text(invoice.total_units),
        "amountCredit": text(invoice.credit_units),
        "amountDue": text(invoice.total_units - invoice.credit_units),
        "buyer": _party(invoice.buyer, _BUYER),
        "seller": _party(invoice.seller, _SELLER),
        "creditNotes": [_note(note) for note in invoice.credit_notes],
        "issuedOn": wire_instant(invoice.opened_at),
        "paidAt": None if invoice.paid_at is None else wire_instant(invoice.paid_at),
    }


_BUYER = {
    "external_id": "customerId",
    "name": "name",
    "email": "email",
    "billing_address": "billingAddress",
    "tax_id": "taxId",
}
_SELLER = {
    "name": "name",
    "legal_name": "legalName",
    "email": "email",
    "billing_address": "billingAddress",
    "tax_id": "taxId",
}


def _party(kept: Raw, names: dict[str, str]) -> dict[str, Any]:
    found = parse(bytes(kept))
    return {wire: found.get(name) for name, wire in names.items()}


def _line(line: InvoiceLine) -> dict[str, Any]:
    amount_units, discount_units = rules.paid_amounts(line)
    return {
        "description": line.what,
        "quantity": line.quantity,
        "unitPrice": line.unit_price,
        "periodStart": None if line.period_start is None else wire_instant(line.period_start),
        "periodEnd": None if line.period_end is None else wire_instant(line.period_end),
        "amountUnits": amount_units,
        "discountUnits": discount_units,
        "netUnits": line.net_units,
        "taxUnits": line.tax_units,
        "totalUnits": line.gross_units,
        "taxName": line.tax_name,
        "taxRate": 0 if line.is_reverse_charge else line.tax_rate_percent,
        "isTaxInclusive": line.is_tax_inclusive,
        "isReverseCharge": line.is_reverse_charge,
    }


def _note(note: InvoiceCreditNote) -> dict[str, Any]:
    return {
        "id": note.id,
        "number": note.number,
        "refundId": note.refund_id,
        "netUnits": note.net_units,
        "taxUnits": note.tax_units,
        "totalUnits": note.total_units,
        "createdOn": wire_instant(note.created_at),
    }
