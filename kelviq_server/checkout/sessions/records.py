"""Checkout sessions: what somebody is about to buy, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Raw

from kelviq_server.billing.orders.records import BoughtFeature, EventStatus, WholeOrder
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.catalog.products.records import Product
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.payments.records import SavedMethod
from kelviq_server.subscriptions.life.records import Subscription


class SessionStatus(StrEnum):
    """Where a session stands."""

    OPEN = "open"
    # A payment is on its way, or waits for the customer.
    PROCESSING = "processing"
    SUCCESS = "success"
    # The last payment failed; another one may be tried until the session expires.
    FAILED = "failed"
    EXPIRED = "expired"


# A payment may be begun.
PAYABLE = (SessionStatus.OPEN, SessionStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a session is priced in."""

    currency: str
    # Whether it holds wherever somebody is: the merchant said so, or they pay in that already.
    is_agreed: bool


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for when a session was opened, and stays."""

    # What everything is priced in.
    currency: str
    # Whoever opened it had the merchant's server key, and so may speak for the customer.
    is_trusted: bool
    # The plan it was opened with; None of a session that a version before this field opened.
    plan: str | None = None
    # Identifiers of the plans that may be chosen; none at all: every plan of the product.
    plans: Sequence[str] = ()
    # Agreed on for the plan, the period and the quantities it was opened with, and for nothing else.
    custom_amount: Decimal | None = None
    # Whether the tax is in what was agreed on, else in the price that was chosen at first.
    tax_behavior: TaxBehavior | None = None
    # Of the plan it was opened with alone. None: as the price says.
    trial_days: int | None = None
    takes_discounts: bool = True
    locks_email: bool = False
    # The address that cannot be changed: the customer's when it was opened, where it locks that and they had one.
    locked_email: str | None = None
    default_country: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    ip_address: str | None = None
    referer: str | None = None
    # Whether the currency holds wherever somebody is; else a plan is at its base price where nobody pays in that.
    is_agreed: bool = True


@dataclass(frozen=True, slots=True)
class Selection:
    """What is chosen."""

    plan: str
    period: ChargePeriod
    features: Sequence[BoughtFeature] = ()
    discount_code: str | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """Who buys, as they say themselves."""

    email: str | None = None
    name: str | None = None
    country: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    tax_id: str | None = None

    def address(self) -> dict[str, str] | None:
        """Return the address as customers have it, or None without a country."""
        if self.country is None:
            return None
        names = {"postalCode": "postal_code"} | {name: name for name in ("country", "line1", "line2", "city", "state")}
        given = {name: getattr(self, column) for name, column in names.items()}
        return {name: value for name, value in given.items() if value is not None}

    def is_empty(self) -> bool:
        """Say whether nothing is known at all."""
        return all(getattr(self, field.name) is None for field in fields(self))


@dataclass(frozen=True, slots=True)
class Card:
    """What is being paid with, before it is the customer's."""

    gateway: str
    method: SavedMethod


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session to open."""

    plan: str | None
    period: ChargePeriod | None
    is_trusted: bool
    # None: a new customer, whose id is made up.
    customer: str | None = None
    # Of a link to a product; else the plan's.
    product_id: UUID | None = None
    features: Sequence[BoughtFeature] = ()
    plans: Sequence[str] = ()
    currency: str | None = None
    custom_amount: Decimal | None = None
    tax_behavior: TaxBehavior | None = None
    trial_days: int | None = None
    takes_discounts: bool = True
    discount_code: str | None = None
    locks_email: bool = False
    default_country: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    ip_address: str | None = None
    referer: str | None = None
    # JSON text.
    metadata: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session that is about to be written."""

    id: str
    product_id: UUID
    external_id: str
    customer_id: UUID | None
    options: Options
    selection: Selection
    details: Details
    # What was offered when it was opened, as answers show it.
    offering: Mapping[str, Any]
    # JSON text.
    metadata: str
    product_name: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it is kept."""

    id: str
    status: SessionStatus
    product_id: UUID
    external_id: str
    customer_id: UUID | None
    options: Options
    selection: Selection
    details: Details
    offering: Raw
    metadata: Raw
    turn: int
    failure: str | None
    card: Card | None
    needs_action: bool
    # Whether a payment of this session wrote the customer's record.
    has_made_customer: bool
    order_id: str | None
    expires_at: datetime
    completed_at: datetime | None
    created_at: datetime
    modified_at: datetime

    @property
    def speaks_for_customer(self) -> bool:
        """Say whether what is typed on the page is the customer's to say, and goes into the merchant's record."""
        return self.options.is_trusted or self.has_made_customer


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session as a list shows it."""

    session: Session
    product: Product


@dataclass(frozen=True, slots=True)
class WholeSession(ShownSession):
    """A session with what came of it."""

    order: WholeOrder | None
    subscription: Subscription | None
    now: datetime
    # Whether a payment may be begun, and whether it has expired, though nobody may have noted it yet.
    is_payable: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are asked for."""

    terms: Sequence[str] = ()
    status: SessionStatus | None = None
    start_date: date | None = None
    end_date: date | None = None


@dataclass(frozen=True, slots=True)
class NewSessionEvent:
    """Something to note on a session's timeline."""

    code: str
    title: str
    status: EventStatus
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Something that happened to a session."""

    id: int
    title: str
    code: str
    status: EventStatus
    metadata: Raw
    happened_at: datetime
