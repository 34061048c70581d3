"""What other modules may borrow of customers."""

from uuid import UUID

from kelviq_server.customers import store
from kelviq_server.platform.database import Tx


async def count_subscription(tx: Tx, customer_id: UUID, change: int) -> None:
    """Note that an active subscription began (+1) or ended (-1); a customer who has one cannot be archived."""
    await store.update_active_subscriptions(tx, customer_id, change)


async def find_customer_id(tx: Tx, external_id: str) -> UUID | None:
    """Return our id of the customer whom the merchant calls so, an archived one too."""
    return await store.find_id(tx, external_id)
