"""Payments: saved methods, and attempts to move money."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from kelviq_server.customers.records import CustomerSummary


class MethodStatus(StrEnum):
    """Whether a method can be charged, or its owner has to do something first."""

    SUCCEEDED = "succeeded"
    REQUIRES_ACTION = "requires_action"


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card as its owner writes it down; only ever handed to the gateway."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A method as the gateway keeps it, and what may be shown of it."""

    gateway_method: str
    method_type: str
    # Of a card: brand, last4, expMonth, expYear, funding, country.
    data: dict[str, Any]
    status: MethodStatus = MethodStatus.SUCCEEDED

    @property
    def country(self) -> str | None:
        """Return where a card is from; None where nobody knows."""
        return self.data.get("country")


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A saved method of a customer."""

    id: int
    gateway: str
    gateway_method: str
    method_type: str
    method_data: dict[str, Any]
    is_default: bool
    status: MethodStatus
    created_at: datetime
    modified_at: datetime
    customer: CustomerSummary

    @property
    def country(self) -> str | None:
        """Return where a card is from; None where nobody knows."""
        return self.method_data.get("country")


@dataclass(frozen=True, slots=True)
class MethodFilter:
    """Whose methods are asked for."""

    customer_id: str | None = None
    customer_email: str | None = None


class AttemptKind(StrEnum):
    """Which way the money goes."""

    CHARGE = "charge"
    REFUND = "refund"


class AttemptStatus(StrEnum):
    """What came of an attempt. Pending: the gateway has not said, or nobody has asked it yet."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a payment failed, whatever the gateway calls it."""

    DECLINED = "card_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    AUTHENTICATION_REQUIRED = "authentication_required"
    NOT_REFUNDABLE = "not_refundable"
    # Nobody knows of it, and it is too late to ask again.
    ABANDONED = "abandoned"
    # There is nothing to pay with.
    NO_METHOD = "no_payment_method"
    # What was owed is not asked for any more.
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to move money. Its id is the key under which the gateway does it once, however often it is asked."""

    id: UUID
    kind: AttemptKind
    gateway: str
    subject: str
    # Of a refund: the attempt that charged.
    charge_id: UUID | None
    gateway_method: str
    amount_units: int
    currency: str
    status: AttemptStatus
    # In machine time.
    begun_at: datetime
    failure: Failure | None = None
    # Whether the customer is there, and can be asked to authenticate the payment.
    is_on_session: bool = False
    # The tenant's time at which the gateway will know how it ended, where it said so.
    answers_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a gateway says about an attempt."""

    status: AttemptStatus
    reference: str | None = None
    failure: Failure | None = None
    # The tenant's time at which it will know, where it says so.
    answers_at: datetime | None = None
    # Whether it waits for the customer to authenticate it.
    needs_action: bool = False

    @property
    def is_told_later(self) -> bool:
        """Say whether the gateway knows of it, and not yet how it ends."""
        return self.answers_at is not None or self.needs_action


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An attempt that is to be asked after, and whose it is."""

    tenant_id: int
    id: UUID


# What is known when the gateway did not answer: it may have happened, or not.
UNKNOWN = Outcome(AttemptStatus.PENDING)
