"""Invoices and credit notes: what is issued, and never changed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Raw


class InvoiceStatus(StrEnum):
    """Where an invoice stands. A draft has no number and counts for nothing; neither does one that came to nothing."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    PAID = "PAID"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line as it is issued, in minor units: what it is, what it costs, and its tax."""

    what: str
    quantity: int
    # Of one, in the major unit; none where the quantity has no single price.
    unit_price: Decimal | None
    period_start: datetime | None
    period_end: datetime | None
    amount_units: int
    discount_units: int
    net_units: int
    tax_units: int
    tax_rate_percent: Decimal
    is_tax_inclusive: bool
    is_reverse_charge: bool
    keeps_price: bool
    # What the tax is called, such as VAT.
    tax_name: str = ""

    @property
    def gross_units(self) -> int:
        """Return what is to be paid for it."""
        return self.net_units + self.tax_units


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """What an invoice is made from."""

    # None where nothing is sold by it: one that only adds to the customer's credit.
    order_id: str | None
    customer_id: UUID
    subscription_id: UUID
    currency: str
    lines: tuple[InvoiceLine, ...]
    subtotal_units: int
    discount_units: int
    tax_units: int
    total_units: int
    credit_units: int
    # Buyer and seller as they are at this moment, as JSON.
    buyer: str
    seller: str


@dataclass(frozen=True, slots=True)
class InvoiceCreditNote:
    """A credit note, as its invoice shows it."""

    id: str
    number: int
    refund_id: UUID
    net_units: int
    tax_units: int
    total_units: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as it is kept."""

    id: str
    number: int | None
    status: InvoiceStatus
    order_id: str | None
    customer_id: UUID
    subscription_id: UUID
    currency: str
    lines: tuple[InvoiceLine, ...]
    subtotal_units: int
    discount_units: int
    tax_units: int
    total_units: int
    credit_units: int
    buyer: Raw
    seller: Raw
    opened_at: datetime | None
    paid_at: datetime | None
    created_at: datetime
    modified_at: datetime
    credit_notes: tuple[InvoiceCreditNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """How much of a line is taken back, in minor units."""

    net_units: int
    tax_units: int

    @property
    def gross_units(self) -> int:
        """Return what goes back to the buyer."""
        return self.net_units + self.tax_units


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice with its number, and how much had been sold before it in its currency."""

    invoice: Invoice
    # How it stood before; a draft was not issued yet.
    status_before: InvoiceStatus
    sold_before_units: int

    @property
    def is_new(self) -> bool:
        """Say whether it was issued just now."""
        return self.status_before is InvoiceStatus.DRAFT
