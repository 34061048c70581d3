"""Cancel a subscription."""

from typing import Any
from uuid import UUID

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.platform import claims
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.endings import rules, steps
from kelviq_server.subscriptions.endings.records import Cancel
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.errors import SubscriptionEnded
from kelviq_server.subscriptions.life.events import SubscriptionUpdated
from kelviq_server.tenants import steps as tenants


async def cancel_subscription(tenant: Tenant, cancel: Cancel) -> None:
    """Let a subscription end, now or later. It never refunds by itself; a later cancellation replaces an earlier one.

    An update that waits for its payment comes to nothing first, or is what is cancelled. What was used and not charged
    yet is charged by whoever does what is due. Called again for the same request, it changes nothing more.
    Raises SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, NoPeriodEnds, CancellationDatePast;
    PaymentUnsettled where nobody knows how such an update's payment ends.
    """
    has_begun = False
    while True:
        async with transaction(tenant) as tx:
            try:
                waiting = await _cancel(tx, cancel)
            except SubscriptionEnded:
                # By this request, or by an earlier run of it, whose answer nobody heard.
                if has_begun or await _has_begun(tx, cancel):
                    return
                raise
        if waiting is None:
            return
        has_begun = has_begun or waiting == cancel.id
        if not await carry_out_due(tenant, waiting):
            raise PaymentUnsettled("How a payment of the subscription ends is not known yet: cancel it again later.")


async def _has_begun(tx: Tx, cancel: Cancel) -> bool:
    return cancel.request_id is not None and await claims.has_effects(tx.connection, cancel.request_id)


async def _cancel(tx: Tx, cancel: Cancel) -> UUID | None:
    """Cancel a record, or return the waiting one that has to come to nothing first: it is due at once."""
    customer, subscription = await life.lock_to_change(tx, cancel.id)
    seller = await tenants.get_seller(tx)
    # Before anything is called off: what is refused changes nothing.
    ends_at = rules.ends_at(subscription, cancel, seller.time_zone, tx.now)
    waiting = await life.find_waiting(tx, subscription.lineage_id)
    if waiting is not None:
        locked = await life.lock_subscription(tx, waiting.id)
        said: dict[str, Any] = {}
        if waiting.id == cancel.id:
            said = {
                "canceled_at": tx.now,
                "cancellation_reason": cancel.reason,
                "cancellation_feedback": cancel.feedback,
                "cancellation_comment": cancel.comment,
            }
        await life.change(tx, locked, expires_at=tx.now, **said)
        return waiting.id
    told = (ends_at, cancel.reason, cancel.feedback, cancel.comment)
    known = (
        subscription.ends_at,
        subscription.cancellation_reason,
        subscription.cancellation_feedback,
        subscription.cancellation_comment,
    )
    if told == known and ends_at > tx.now:
        # It was said before.
        return None
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
        await steps.end(tx, customer, noted, cancel.reason, told=subscription)
        return None
    whole = await life.told_of(tx, noted)
    tx.announce(SubscriptionUpdated(whole, tx.tenant.organization, whole.as_of(subscription)))
    return None
