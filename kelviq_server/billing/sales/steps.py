"""What other modules borrow of sales: what a plan costs for a period and its quantities, and in which currency."""

from uuid import UUID

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.sales.records import Place, Wanted
from kelviq_server.billing.sales.rules import (
    bought,
    is_inclusive,
    is_local,
    kept_quantities,
    local_currency,
    metered,
    periods_of,
    price_for,
    priced_items,
    refuse_elsewhere,
    sold_quantities,
    used_item,
    within_bounds,
)
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.customers.records import Customer
from kelviq_server.payments.records import PaymentMethod
from kelviq_server.platform.database import Tx
from kelviq_server.promotions.discounts import steps as discounts
from kelviq_server.visitors.steps import visitor_at

__all__ = [
    "bought",
    "currency_there",
    "is_for_base",
    "is_inclusive",
    "is_local",
    "kept_quantities",
    "local_currency",
    "metered",
    "periods_of",
    "place_of",
    "price_for",
    "priced_items",
    "refuse_elsewhere",
    "sold_quantities",
    "used_item",
    "within_bounds",
]


def place_of(customer: Customer, method: PaymentMethod | None, address: str | None) -> Place:
    """Return what is known of where a customer buys, who does it from an address, if anybody said from which."""
    return Place(visitor_at(address).country, customer.country, None if method is None else method.country)


async def currency_there(
    tx: Tx, version: PlanVersion, customer_id: UUID, place: Place, wanted: Wanted, code: str | None
) -> str | None:
    """Return the currency of the regional price of where somebody buys; None where something else decides.

    That is what they paid in before, an amount that was agreed on, and a code that is for the base price.
    """
    if wanted.custom_amount is not None or await orders.find_currency(tx, customer_id) is not None:
        return None
    local = local_currency(version, (place.address, place.billing, place.card), tx.now.date())
    return None if local is None or await is_for_base(tx, version, code) else local


async def is_for_base(tx: Tx, version: PlanVersion, code: str | None) -> bool:
    """Say whether a code is for an amount in the currency of a plan's base price."""
    fixed = None if code is None else await discounts.find_currency(tx, code)
    return fixed is not None and fixed == version.base_currency
