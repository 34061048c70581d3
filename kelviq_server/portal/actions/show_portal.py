"""Show a customer what they have."""

from kelviq_server.billing.orders import steps as orders
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.platform.database import INSTANCE, Tx, reading, transaction
from kelviq_server.platform.paging import Page
from kelviq_server.platform.vault import current_vault
from kelviq_server.portal import rules
from kelviq_server.portal.errors import PortalClosed
from kelviq_server.portal.records import Claim, Portal
from kelviq_server.portal.steps import PURPOSE, SHOWN
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.records import IN_FORCE, SubscriptionFilter
from kelviq_server.tenants import steps as tenants


async def show_portal(slug: str, token: str) -> Portal:
    """Return what a token lets its customer see of an organization; raises PortalClosed."""
    async with reading(INSTANCE) as tx:
        claim = rules.read_token(current_vault().derive(PURPOSE), token, tx.machine_now)
        if claim is None:
            raise PortalClosed
        tenant = await tenants.get_tenant(tx, claim.tenant_id)
    async with transaction(tenant) as tx:
        seller, customer = await tenants.get_seller(tx), await _customer(tx, claim)
        if seller.slug != slug:
            raise PortalClosed
        wanted = SubscriptionFilter(customer=customer.external_id, statuses=IN_FORCE)
        listed = await life.list_subscriptions(tx, wanted, Page(1, SHOWN))
        bought = await orders.list_of_customer(tx, customer.id, SHOWN)
        return Portal(
            tenant=tenant,
            seller=seller,
            customer=customers.summary_of(customer),
            purchases=await life.wholes_of(tx, listed.results),
            orders=await orders.wholes_of(tx, bought),
            now=tx.now,
        )


async def _customer(tx: Tx, claim: Claim) -> Customer:
    known = (await customers.list_by_id(tx, {claim.customer_id})).get(claim.customer_id)
    # Who is archived is not found by their own id any more.
    found = None if known is None else await customers.find_customer(tx, known.external_id)
    if found is None or not rules.is_of(claim, found.email):
        raise PortalClosed
    return found
