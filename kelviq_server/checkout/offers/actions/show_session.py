"""Show what can be bought in a checkout session."""

from kelviq_server.checkout.offers import steps
from kelviq_server.checkout.offers.records import Shown, Typed
from kelviq_server.checkout.sessions import store
from kelviq_server.platform.database import Tenant, transaction


async def show_session(tenant: Tenant, id: str, typed: Typed | None = None) -> Shown:
    """Return a session as its page shows it, with what was typed if it was sent; nothing is kept of that.

    Raises NotFound.
    """
    async with transaction(tenant) as tx:
        return await steps.shown_of(tx, await store.get_session(tx, id), typed)
