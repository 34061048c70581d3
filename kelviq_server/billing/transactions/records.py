"""Transactions: every attempt to move money, and what it came to for the merchant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kelviq_server.billing.orders.records import PaidWith


class TransactionKind(StrEnum):
    """Which way the money goes, and why."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"
    CHARGEBACK_REVERSAL = "CHARGEBACK_REVERSAL"
    CREDIT = "CREDIT"
    PAYOUT = "PAYOUT"
    ADJUSTMENT = "ADJUSTMENT"


class TransactionStatus(StrEnum):
    """How it went."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"


class FeeName(StrEnum):
    """What a fee is for."""

    FIXED = "fixed_fee"
    BASE = "base_fee"
    SUBSCRIPTION = "subscription_fee"
    INTERNATIONAL = "international_fee"


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """What the instance keeps of each payment; nothing, unless its operator says so."""

    # Amounts in this currency: sales in others bear the percentages alone, and count towards no threshold.
    currency: str = "USD"
    fixed_units: int = 0
    base_percent: Decimal = Decimal(0)
    # Of what is sold once so much was sold in all.
    threshold_units: int = 0
    base_percent_above: Decimal = Decimal(0)
    subscription_percent: Decimal = Decimal(0)
    # Of cards issued in other countries than this.
    international_percent: Decimal = Decimal(0)
    country: str = "US"


@dataclass(frozen=True, slots=True)
class Fee:
    """One part of a fee. A fixed one has no percentage."""

    name: FeeName
    percentage: Decimal | None
    value_units: int
    currency: str


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """An attempt that is about to be made. Its id is the attempt's."""

    id: UUID
    kind: TransactionKind
    order_id: str
    refund_id: UUID | None
    currency: str
    # Negative where money goes back.
    amount_units: int
    payment_method: PaidWith
    # What a search looks at.
    folded: str


@dataclass(frozen=True, slots=True)
class Success:
    """What a transaction that succeeded came to."""

    fees: Sequence[Fee]
    tax_units: int
    reference: str | None
    available_on: date

    @property
    def fee_units(self) -> int:
        """Return all fees together."""
        return sum(fee.value_units for fee in self.fees)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as it is kept."""

    id: UUID
    kind: TransactionKind
    status: TransactionStatus
    order_id: str
    refund_id: UUID | None
    currency: str
    amount_units: int
    fee_units: int
    fees: list[Fee]
    tax_units: int
    net_units: int
    payment_method: PaidWith
    available_on: date | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """Which transactions are asked for."""

    terms: Sequence[str] = ()
    status: TransactionStatus | None = None
    start_date: date | None = None
    end_date: date | None = None
