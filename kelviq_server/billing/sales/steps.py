"""What other modules borrow of sales: what a plan costs for a period and its quantities."""

from kelviq_server.billing.sales.rules import (
    bought,
    is_inclusive,
    is_local,
    is_sold_in,
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

__all__ = [
    "bought",
    "is_inclusive",
    "is_local",
    "is_sold_in",
    "kept_quantities",
    "local_currency",
    "metered",
    "periods_of",
    "price_for",
    "priced_items",
    "refuse_elsewhere",
    "sold_quantities",
    "used_item",
    "within_bounds",
]
