"""Charges: what an existing customer buys at once, with the payment method that is on file."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.billing.sales.records import Wanted
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.core.calendar import ChargePeriod


@dataclass(frozen=True, slots=True)
class NewCharge:
    """What a charge is made from."""

    plan: str
    customer: str
    features: Sequence[BoughtFeature] = ()
    # None: the customer's, else that of the plan's base price.
    currency: str | None = None
    # In the major unit; of prices by agreement, and of no others.
    custom_amount: Decimal | None = None
    # None: as the price says.
    tax_behavior: TaxBehavior | None = None
    discount_code: str | None = None
    # From where it is bought, where that decides about the currency.
    address: str | None = None
    # The idempotency claim of the request, if any.
    request_id: UUID | None = None

    @property
    def wanted(self) -> Wanted:
        """Return what of the plan is wanted: it is paid once."""
        return Wanted(ChargePeriod.ONE_TIME, self.features, self.custom_amount, tax_behavior=self.tax_behavior)
