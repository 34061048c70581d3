"""Open a checkout session for somebody who followed a link to a product."""

from dataclasses import replace
from uuid import UUID

from kelviq_server.catalog.products import steps as products
from kelviq_server.checkout.sessions import steps
from kelviq_server.checkout.sessions.records import OpenSession, Session
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import INSTANCE, reading, transaction
from kelviq_server.tenants import steps as tenants
from kelviq_server.tenants.records import EnvironmentName


async def open_link(environment: EnvironmentName, product_id: UUID, wanted: OpenSession) -> Session:
    """Return the new session; raises NotFound for a product of another environment, else what `create_session` does."""
    async with reading(INSTANCE) as tx:
        tenant_id = await products.find_tenant_id(tx, product_id)
        found = None if tenant_id is None else await tenants.get_environment(tx, tenant_id)
    if found is None or found.name != environment:
        raise NotFound
    async with transaction(tenants.tenant_of(found)) as tx:
        return await steps.open_session(tx, replace(wanted, product_id=product_id))
