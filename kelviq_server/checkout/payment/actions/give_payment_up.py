"""Let a payment that waits for its customer come to nothing: they want to pay with something else."""

from kelviq_server.checkout.payment import steps
from kelviq_server.checkout.sessions import store
from kelviq_server.checkout.sessions.records import Session
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import Tenant, transaction


async def give_payment_up(tenant: Tenant, id: str) -> Session:
    """Return the session as it is with that: it may be paid anew, unless it was paid meanwhile. Raises NotFound."""
    async with transaction(tenant) as tx:
        session = await store.get_session(tx, id)
        asked = await steps.asked_of(tx, session) if session.needs_action else None
    if asked is None:
        return session
    outcome = await payments.cancel(tenant, asked.attempt)
    async with transaction(tenant) as tx:
        return await steps.settle(tx, id, asked.attempt, outcome)
