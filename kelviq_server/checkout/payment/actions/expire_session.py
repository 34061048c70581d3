"""Let a session be over whose time has come."""

from kelviq_server.checkout.payment import steps
from kelviq_server.checkout.sessions import rules, store
from kelviq_server.checkout.sessions.records import PAYABLE
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import Tenant, Tx, transaction


async def expire_session(tenant: Tenant, id: str) -> None:
    """Let a session expire that is due; a payment that is on its way comes to nothing first, unless it has succeeded.

    Safe to call again, and at once. Where the gateway does not answer, it stays due.
    """
    async with transaction(tenant) as tx:
        if await _expire(tx, id):
            return
        asked = await steps.asked_of(tx, await store.get_session(tx, id))
    if asked is not None:
        outcome = await payments.cancel(tenant, asked.attempt)
        async with transaction(tenant) as tx:
            await steps.settle(tx, id, asked.attempt, outcome)
            await _expire(tx, id)


async def _expire(tx: Tx, id: str) -> bool:
    """Let a session expire that nothing is being paid of, and say whether that was so."""
    session = await store.lock_session(tx, id)
    if session.status not in PAYABLE or tx.now < session.expires_at:
        return False
    await store.update_expired(tx, id)
    await store.insert_event(tx, id, rules.expired())
    return True
