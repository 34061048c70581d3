"""What other modules may borrow of customers."""

from uuid import UUID

from kelviq_server.customers import store
from kelviq_server.customers.records import Customer, CustomerSummary
from kelviq_server.customers.store import has_customer, list_by_id, lock_by_id, lock_customer, lock_known
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import parse
from kelviq_server.taxes.records import Buyer

__all__ = [
    "buyer_of",
    "count_subscription",
    "find_customer_id",
    "has_customer",
    "list_by_id",
    "lock_by_id",
    "lock_customer",
    "lock_known",
    "summary_of",
]


def summary_of(customer: Customer) -> CustomerSummary:
    """Return who a customer is, as other things show and keep it."""
    address = None if customer.billing_address is None else parse(customer.billing_address.encode())
    return CustomerSummary(customer.id, customer.external_id, customer.name, customer.email, address)


async def count_subscription(tx: Tx, customer_id: UUID, change: int) -> None:
    """Note that an active subscription began (+1) or ended (-1); a customer who has one cannot be archived."""
    await store.update_active_subscriptions(tx, customer_id, change)


async def find_customer_id(tx: Tx, external_id: str) -> UUID | None:
    """Return our id of the customer whom the merchant calls so, an archived one too."""
    return await store.find_id(tx, external_id)


def buyer_of(customer: Customer) -> Buyer:
    """Return what decides about a customer's tax."""
    return Buyer(customer.country, customer.state, customer.tax_id)
