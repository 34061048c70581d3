"""Find out how a payment or a refund ended that nobody heard of since."""

from uuid import UUID

from kelviq_server.billing.refunds.actions.settle_refund import settle_refund
from kelviq_server.billing.settlement.actions.settle_payment import settle_payment
from kelviq_server.payments import steps as payments
from kelviq_server.payments.records import AttemptKind, AttemptStatus
from kelviq_server.platform.database import Tenant, transaction


async def settle_attempt(tenant: Tenant, id: UUID) -> None:
    """Ask the gateway after a pending attempt, under the same key, and settle it; safe to call at any time."""
    async with transaction(tenant) as tx:
        attempt = await payments.get_attempt(tx, id)
        now = tx.machine_now
    if attempt.status is not AttemptStatus.PENDING:
        return
    outcome = await payments.ask_again(tenant, attempt, now)
    if attempt.kind is AttemptKind.CHARGE:
        await settle_payment(tenant, attempt, outcome)
    else:
        await settle_refund(tenant, attempt, outcome)
