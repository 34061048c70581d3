"""A payment on a checkout's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kelviq_server.checkout.offers.records import Offering
from kelviq_server.checkout.sessions.records import Session
from kelviq_server.customers.records import Customer
from kelviq_server.payments.records import Attempt, NewCard
from kelviq_server.subscriptions.purchases.records import Quote


@dataclass(frozen=True, slots=True)
class CardFaults:
    """What is wrong with a card as it was typed, by field."""

    by_field: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ready:
    """A session of which a payment may be begun: everything on its page is in order."""

    session: Session
    offering: Offering
    quote: Quote
    # None as long as the buyer is nobody's customer.
    customer: Customer | None
    gateway: str | None
    # None: nothing has to be paid with.
    card: NewCard | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment of a session that is on its way; machine time of when it was looked up."""

    attempt: Attempt
    now: datetime
