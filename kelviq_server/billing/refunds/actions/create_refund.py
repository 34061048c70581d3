"""Give money back."""

import structlog

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import OrderStatus
from kelviq_server.billing.refunds import rules, store
from kelviq_server.billing.refunds.actions.settle_refund import settle_refund
from kelviq_server.billing.refunds.errors import NothingToRefund, RefundRefused
from kelviq_server.billing.refunds.events import RefundCreated
from kelviq_server.billing.refunds.records import Begun, NewRefund, Refund
from kelviq_server.billing.transactions import steps as transactions
from kelviq_server.billing.transactions.records import TransactionKind
from kelviq_server.core.errors import NotFound
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import AttemptStatus
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.values import currency_exponents

log = structlog.get_logger()


async def create_refund(tenant: Tenant, new: NewRefund) -> Refund:
    """Return the refund: done, or still on its way where the gateway has not said how it ended.

    What is on its way is set aside, so that all refunds together never come to more than was paid, whoever asks at
    once. Called again for the same request, it goes on where the first call ended.
    Raises NotFound, NothingToRefund, RefundTooFine, RefundTooLarge, RefundRefused.
    """
    async with transaction(tenant) as tx:
        now = tx.machine_now
        before = await _find_begun(tx, new)
        begun = before or await _begin(tx, new)
    if begun.attempt.status is AttemptStatus.PENDING:
        outcome = await payments.carry_out(tenant, begun.attempt, now, is_new=before is None)
        try:
            refund = await settle_refund(tenant, begun.attempt, outcome)
        except Exception:
            # It is on its way, and whoever would try again after a fault of ours would give back twice.
            log.exception("refund not settled", refund=str(begun.refund.id))
            refund = begun.refund
    else:
        refund = begun.refund
    if refund.failure_reason is not None:
        raise RefundRefused(refund.failure_reason)
    return refund


async def _find_begun(tx: Tx, new: NewRefund) -> Begun | None:
    """Return what an earlier call for the same request began, or None."""
    refund = None if new.request_id is None else await store.find_by_request(tx, new.request_id)
    return None if refund is None else Begun(refund, await payments.get_attempt(tx, refund.id))


async def _begin(tx: Tx, new: NewRefund) -> Begun:
    order = await orders.lock_order(tx, new.order_id)
    if order.status is OrderStatus.PENDING:
        raise NotFound
    # The same request may have begun it while this one waited for the order.
    if (before := await _find_begun(tx, new)) is not None:
        return before
    units = rules.refund_units(order, new, currency_exponents()[order.currency])
    charge_id = await transactions.find_charge(tx, order.id)
    if charge_id is None or order.payment_method is None:
        raise NothingToRefund
    id = new_id(tx.now)
    refund = await store.insert_refund(tx, id, order, new, units)
    await orders.set_aside(tx, order, units)
    # The refund, its attempt and its transaction have one id.
    attempt = await payments.begin_refund(tx, id, charge_id, str(id), units)
    await transactions.note_attempt(tx, id, TransactionKind.REFUND, order, -units, order.payment_method, id)
    tx.announce(RefundCreated(refund, order, tx.tenant.organization))
    return Begun(refund, attempt)
