"""Let a customer approve of a payment that waits for them, or refuse, where the sandbox's bank would ask them."""

from kelviq_server.checkout.payment import steps
from kelviq_server.checkout.sessions import store
from kelviq_server.checkout.sessions.records import Session
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import Tenant, transaction


async def authenticate_payment(tenant: Tenant, id: str, *, is_approved: bool) -> Session:
    """Return the session as it is with that; where no payment waits for its customer, as it is. Raises NotFound."""
    async with transaction(tenant) as tx:
        session = await store.get_session(tx, id)
        asked = await steps.asked_of(tx, session) if session.needs_action else None
    if asked is None:
        return session
    outcome = await payments.authenticate(tenant, asked.attempt, is_approved=is_approved)
    async with transaction(tenant) as tx:
        return await steps.settle(tx, id, asked.attempt, outcome)
