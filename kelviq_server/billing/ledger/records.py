"""The journal: every movement as an entry whose lines sum to zero."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Account(StrEnum):
    """What a line of the journal changes. Debits are positive, credits negative."""

    # Money at the payment gateway, positive.
    GATEWAY = "gateway"
    # What the instance owes: to the merchant, to tax offices, to customers; negative.
    MERCHANT = "merchant"
    TAX = "tax"
    CUSTOMER_CREDIT = "customer_credit"
    # Credit that is set aside for a payment on its way.
    HELD_CREDIT = "held_credit"
    # What the instance keeps, negative.
    FEES = "fees"


class EntryKind(StrEnum):
    """Why an entry was written."""

    PAYMENT = "payment"
    REFUND = "refund"
    CREDIT_GRANTED = "credit_granted"
    # By an invoice whose credits outweigh what it charges.
    CREDIT_INVOICED = "credit_invoiced"
    CREDIT_HELD = "credit_held"
    CREDIT_RELEASED = "credit_released"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of an entry, in minor units."""

    account: Account
    currency: str
    amount_units: int
    # In the accounts that each customer has.
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account comes to in one currency."""

    account: Account
    currency: str
    amount_units: int


@dataclass(frozen=True, slots=True)
class NewCredit:
    """Credit to let a customer have, named by the merchant's id; negative takes some away."""

    customer: str
    currency: str
    amount_units: int
    note: str | None


@dataclass(frozen=True, slots=True)
class Credit:
    """How much credit a customer has in one currency."""

    currency: str
    amount_units: int
