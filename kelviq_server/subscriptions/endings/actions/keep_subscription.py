"""Let a subscription go on that was to end."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.subscriptions.endings.errors import NotCancelled
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.events import SubscriptionUpdated
from kelviq_server.subscriptions.life.records import Subscription, SubscriptionStatus, WholeSubscription


async def keep_subscription(tenant: Tenant, id: UUID) -> WholeSubscription:
    """Return a subscription whose cancellation was taken back, before it took effect.

    Raises SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, NotCancelled.
    """
    async with transaction(tenant) as tx:
        _, before = await life.lock_to_change(tx, id)
        if before.predecessor_id is not None and before.status is SubscriptionStatus.INCOMPLETE:
            # What goes on is what there is: the update may never be paid.
            before = await life.lock_subscription(tx, before.predecessor_id)
        if before.ends_at is None or before.ends_at <= tx.now:
            raise NotCancelled
        waiting = await life.find_waiting(tx, before.lineage_id)
        if waiting is not None:
            # An update that is yet to be paid was made when the end still stood, and would bring it back.
            await _keep(tx, await life.lock_subscription(tx, waiting.id))
        after = await _keep(tx, before)
        told = await life.told_of(tx, after)
        tx.announce(SubscriptionUpdated(told, tenant.organization, told.as_of(before)))
        return await life.whole_of(tx, after)


async def _keep(tx: Tx, before: Subscription) -> Subscription:
    return await life.change(
        tx, before, ends_at=None, canceled_at=None, cancellation_reason=None, cancellation_feedback=None,
        cancellation_comment=None,
    )  # fmt: skip
