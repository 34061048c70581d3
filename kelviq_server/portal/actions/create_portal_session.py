"""Let a customer into their portal."""

from kelviq_server.customers import steps as customers
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.platform.vault import current_vault
from kelviq_server.portal import rules
from kelviq_server.portal.errors import CustomerInvalid, EmailMissing
from kelviq_server.portal.records import PortalSession
from kelviq_server.portal.steps import LIFETIME, PURPOSE
from kelviq_server.tenants import steps as tenants


async def create_portal_session(tenant: Tenant, customer: str) -> PortalSession:
    """Return what opens a customer's portal for a day; raises CustomerInvalid, EmailMissing."""
    async with reading(tenant) as tx:
        found = await customers.find_customer(tx, customer)
        if found is None:
            raise CustomerInvalid
        if found.email is None:
            raise EmailMissing
        seller = await tenants.get_seller(tx)
        expires_at = tx.machine_now + LIFETIME
        token = rules.token_of(current_vault().derive(PURPOSE), tx.tenant_id, found.id, found.email, expires_at)
    return PortalSession(token, found.email, seller.slug)
