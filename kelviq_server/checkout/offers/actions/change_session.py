"""Note what is chosen and typed on a checkout's page."""

from kelviq_server.checkout.offers import steps
from kelviq_server.checkout.offers.records import Shown, Typed
from kelviq_server.checkout.sessions import rules, store
from kelviq_server.platform.database import Tenant, transaction


async def change_session(tenant: Tenant, id: str, typed: Typed) -> Shown | None:
    """Return the session as its page shows it with what was typed; as far as that is understood, it is kept.

    None for one that cannot be paid any more, or is being paid. Raises NotFound.
    """
    async with transaction(tenant) as tx:
        session = await store.lock_session(tx, id)
        # First: whoever settles a payment has the discount already, and waits for the session.
        if not rules.is_payable(session, tx.now):
            return None
        shown = await steps.shown_of(tx, session, typed)
        await steps.keep(tx, session, shown.offering, shown.held, shown.product.name)
        return shown
