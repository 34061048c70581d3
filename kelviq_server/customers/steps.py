"""What other modules may borrow of customers."""

from uuid import UUID

from kelviq_server.customers import store
from kelviq_server.platform.database import Tx


async def count_subscription(tx: Tx, customer_id: UUID, change: int) -> None:
    """Note that an active subscription began (+1) or ended (-1); a customer who has one cannot be archived."""
    await store.update_active_subscriptions(tx, customer_id, change)
