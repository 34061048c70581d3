"""Cancel a subscription."""

from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.subscriptions.cycles import steps as cycles
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.endings import rules
from kelviq_server.subscriptions.endings.records import Cancel
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.events import SubscriptionUpdated
from kelviq_server.subscriptions.life.records import SubscriptionStatus
from kelviq_server.tenants import steps as tenants


async def cancel_subscription(tenant: Tenant, cancel: Cancel) -> None:
    """Let a subscription end, now or later. It never refunds by itself; a later cancellation replaces an earlier one.

    An update that waits for its payment comes to nothing, or is what is cancelled. What was used and not charged yet
    is charged by whoever does what is due.
    Raises SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, NoPeriodEnds, CancellationDatePast.
    """
    async with transaction(tenant) as tx:
        _, subscription = await life.lock_to_change(tx, cancel.id)
        waiting = await life.find_waiting(tx, subscription.lineage_id)
        if waiting is not None:
            # Due at once: its payment has to be called off where it is on its way.
            await life.change(tx, await life.lock_subscription(tx, waiting.id), expires_at=tx.now)
        else:
            await _cancel(tx, cancel)
            waiting = None
    if waiting is not None:
        await carry_out_due(tenant, waiting.id)
        if waiting.id != cancel.id:
            async with transaction(tenant) as tx:
                await _cancel(tx, cancel)


async def _cancel(tx: Tx, cancel: Cancel) -> None:
    customer, subscription = await life.lock_to_change(tx, cancel.id)
    if subscription.status is SubscriptionStatus.INCOMPLETE:
        return
    seller = await tenants.get_seller(tx)
    ends_at = rules.ends_at(subscription, cancel, seller.time_zone, tx.now)
    noted = await life.change(
        tx,
        subscription,
        ends_at=ends_at,
        canceled_at=tx.now,
        cancellation_reason=cancel.reason,
        cancellation_feedback=cancel.feedback,
        cancellation_comment=cancel.comment,
    )
    if ends_at <= tx.now:
        # Its last payment, if there is one, is asked for by whoever does what is due.
        await cycles.end(tx, customer, noted, cancel.reason, told=subscription)
        return
    told = await life.told_of(tx, noted)
    tx.announce(SubscriptionUpdated(told, tx.tenant.organization, told.as_of(subscription)))
