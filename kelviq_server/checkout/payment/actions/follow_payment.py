"""Find out what became of a payment for which a checkout's page waits."""

from kelviq_server.checkout.payment import steps
from kelviq_server.checkout.sessions import store
from kelviq_server.checkout.sessions.records import Session
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import Tenant, transaction


async def follow_payment(tenant: Tenant, id: str) -> Session:
    """Return the session as it now is; what is on its way and does not wait for its customer is asked after.

    So whoever died between beginning a payment and hearing of its end keeps no buyer waiting. Raises NotFound.
    """
    async with transaction(tenant) as tx:
        session = await store.get_session(tx, id)
        asked = None if session.needs_action else await steps.asked_of(tx, session)
    if asked is None:
        return session
    outcome = await payments.ask_again(tenant, asked.attempt, asked.now)
    async with transaction(tenant) as tx:
        return await steps.settle(tx, id, asked.attempt, outcome)
