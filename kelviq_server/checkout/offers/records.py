"""What a session offers, what is typed into its page, and what that comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Charge, Component, Price
from kelviq_server.catalog.products.records import Product
from kelviq_server.checkout.sessions.records import Details, Selection, Session
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.subscriptions.purchases.records import Quote
from kelviq_server.tenants.records import Seller


@dataclass(frozen=True, slots=True)
class Quantity:
    """A feature that is bought by its quantity, and within which bounds."""

    feature: Feature
    component: Component
    charge: Charge

    @property
    def least(self) -> int:
        """Return how few can be bought."""
        return self.charge.min_quantity or 0

    @property
    def most(self) -> int | None:
        """Return how many can be bought, or None without a bound."""
        last = self.charge.tiers[-1].up_to if self.charge.tiers else None
        return min((bound for bound in (self.charge.max_quantity, last) if bound is not None), default=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan that can be chosen, with what its least quantities cost for each period, before discounts and taxes."""

    version: PlanVersion
    price: Price
    costs: Mapping[ChargePeriod, int]
    # What is bought by its quantity, for each period.
    quantities: Mapping[ChargePeriod, Sequence[Quantity]]

    @property
    def plan(self) -> str:
        """Return the plan's identifier."""
        return self.version.identifier


@dataclass(frozen=True, slots=True)
class Held:
    """What the merchant's record of a customer says, of which a session without a server key changes nothing."""

    has_email: bool = False
    has_name: bool = False
    has_address: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """What a page sends: what is chosen and typed on it, as texts, and how old it is."""

    plan: str | None = None
    period: str | None = None
    # By the feature's identifier.
    quantities: Mapping[str, str] = field(default_factory=dict[str, str])
    # The fields of `Details` and the discount code, by the names of the wire.
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    turn: int = -1
    # What the page said that it comes to.
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed as it is understood, and what could not be, by field."""

    details: Details
    discount_code: str | None
    faults: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Offering:
    """What can be chosen in a session, what is, and what that comes to."""

    choices: Sequence[Choice]
    selection: Selection
    details: Details
    # None where it cannot be bought; why stands among the faults.
    quote: Quote | None
    faults: Mapping[str, Sequence[str]]
    # What somebody agrees to who pays that.
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A session as its page shows it."""

    session: Session
    seller: Seller
    product: Product
    offering: Offering
    held: Held
    # Whether cards are typed in on the page itself.
    takes_cards: bool
    now: datetime
