"""Change the plan, charge period or quantities of a subscription, or the end of its trial."""

from uuid import UUID

import structlog

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.orders import steps as orders
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import AttemptStatus
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.subscriptions.changes import steps
from kelviq_server.subscriptions.changes.errors import PaymentUnderWay
from kelviq_server.subscriptions.changes.records import Changed, ChangePlan
from kelviq_server.subscriptions.cycles.actions.carry_out_overdue import carry_out_overdue
from kelviq_server.subscriptions.life import steps as life

log = structlog.get_logger()


async def change_plan(tenant: Tenant, change: ChangePlan) -> UUID:
    """Return the id of the record that the change made; of one that changes nothing, the id of the record there is.

    Called again for the same request, it goes on where the first call ended. A payment that fails leaves the change in
    force and something owed; or, where it was to be paid first, what there was.
    Raises SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, BoughtOnce, SubscriptionUnpaid,
    PaymentUnderWay, ChangeWaits, TrialEndPast, PaymentMethodRequired, what stops a sale, and
    PaymentUnsettled after a fault of ours.
    """
    while True:
        async with transaction(tenant) as tx:
            now = tx.machine_now
            before = await _find_begun(tx, change)
            changed = before or await _begin(tx, change)
        if changed is not None:
            break
        if not await carry_out_overdue(tenant, change.id):
            raise PaymentUnderWay
    if changed.attempt is not None and changed.attempt.status is AttemptStatus.PENDING:
        outcome = await payments.carry_out(tenant, changed.attempt, now, is_new=before is None)
        try:
            async with transaction(tenant) as tx:
                await orders.settle(tx, changed.attempt, outcome)
        except Exception:
            # The money may have been taken: the change stands, and whoever does what is due finds out.
            log.exception("payment not settled", subscription=str(changed.subscription_id))
            raise PaymentUnsettled from None
    return changed.subscription_id


async def _find_begun(tx: Tx, change: ChangePlan) -> Changed | None:
    """Return what an earlier call for the same request began, or None."""
    begun = None if change.request_id is None else await life.find_by_request(tx, change.request_id)
    if begun is None:
        return None
    order = next(
        (order for order in await orders.list_open(tx, begun.lineage_id) if order.subscription_id == begun.id), None
    )
    return Changed(begun.id, None if order is None else await payments.find_pending(tx, order.id))


async def _begin(tx: Tx, change: ChangePlan) -> Changed | None:
    """Return what was begun, or None where something else is due first."""
    customer, subscription = await life.lock_to_change(tx, change.id)
    if subscription.is_in_force and subscription.due_at is not None and subscription.due_at <= tx.now:
        return None
    reckoned = await steps.reckon(tx, customer, subscription, change)
    if not reckoned.changes(subscription):
        return Changed(subscription.id, None)
    return await steps.begin(tx, customer, subscription, change, reckoned)
