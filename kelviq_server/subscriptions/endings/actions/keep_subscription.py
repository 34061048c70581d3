"""Let a subscription go on that was to end."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.subscriptions.endings.errors import NotCancelled
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.events import SubscriptionUpdated
from kelviq_server.subscriptions.life.records import WholeSubscription


async def keep_subscription(tenant: Tenant, id: UUID) -> WholeSubscription:
    """Return a subscription whose cancellation was taken back, before it took effect.

    Raises SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, NotCancelled.
    """
    async with transaction(tenant) as tx:
        _, before = await life.lock_to_change(tx, id)
        if before.ends_at is None or before.ends_at <= tx.now:
            raise NotCancelled
        after = await life.change(
            tx, before, ends_at=None, canceled_at=None, cancellation_reason=None, cancellation_feedback=None,
            cancellation_comment=None,
        )  # fmt: skip
        told = await life.told_of(tx, after)
        tx.announce(SubscriptionUpdated(told, tenant.organization, told.as_of(before)))
        return await life.whole_of(tx, after)
