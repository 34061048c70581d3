"""Note how a refund ended."""

from uuid import UUID

from kelviq_server.billing.invoices import steps as invoices
from kelviq_server.billing.ledger import rules as journal
from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.ledger.records import EntryKind
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.refunds import store
from kelviq_server.billing.refunds.events import RefundUpdated
from kelviq_server.billing.refunds.records import Refund
from kelviq_server.billing.transactions import steps as transactions
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import Attempt, Outcome
from kelviq_server.platform.database import Tenant, transaction


async def settle_refund(tenant: Tenant, attempt: Attempt, outcome: Outcome) -> Refund:
    """Issue the credit note of what was given back, or give free what was set aside for a refund that failed.

    Returns the refund as it now is.

    The reply and the sweeper come here. Coming twice changes nothing, and neither does an end
    that is not known yet.
    """
    async with transaction(tenant) as tx:
        refund = await store.get_refund(tx, UUID(attempt.subject))
        order = await orders.lock_order(tx, refund.order_id)
        if not await payments.settle(tx, attempt.id, outcome):
            # Whoever had the order before us may have settled it.
            return await store.get_refund(tx, refund.id)
        units = refund.amount_units
        if outcome.failure is not None:
            reason = payments.text_of(outcome.failure)
            await orders.give_free(tx, order, units, reason)
            await transactions.note_failure(tx, attempt.id, outcome)
            refund = await store.update_settled(tx, refund.id, reason)
        else:
            refund = await store.update_settled(tx, refund.id, None)
            order = await orders.give_back(tx, order, units)
            # From here on the tenant's other refunds wait for their credit notes' numbers.
            tax_units = await invoices.issue_credit_note(tx, order, units, refund.id)
            await transactions.note_success(tx, attempt.id, order, outcome, -units, -tax_units, None)
            lines = journal.refund(order.currency, amount_units=units, tax_units=tax_units)
            await ledger.insert_entry(tx, EntryKind.REFUND, lines, order_id=order.id, transaction_id=attempt.id)
        tx.announce(RefundUpdated(refund, order, tenant.organization))
        return refund
