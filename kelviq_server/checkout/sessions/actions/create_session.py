"""Open a checkout session."""

from kelviq_server.checkout.sessions import steps
from kelviq_server.checkout.sessions.records import OpenSession, Session
from kelviq_server.platform.database import Tenant, transaction


async def create_session(tenant: Tenant, wanted: OpenSession) -> Session:
    """Return the new session, on whose page somebody can buy.

    Raises what stops a sale, what discounts refuse, PlanNotEnabled, OtherProduct, CustomerUnknown, NoGatewayConfigured.
    """
    async with transaction(tenant) as tx:
        return await steps.open_session(tx, wanted)
