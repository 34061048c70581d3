"""Open a checkout session for somebody who followed a link to a product."""

from collections.abc import Mapping
from uuid import UUID

from kelviq_server.catalog.products import steps as products
from kelviq_server.checkout.sessions import steps
from kelviq_server.checkout.sessions.records import Session
from kelviq_server.checkout.sessions.schemas import link_parameters
from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import INSTANCE, reading, transaction
from kelviq_server.tenants import steps as tenants
from kelviq_server.tenants.records import EnvironmentName


async def open_link(
    environment: EnvironmentName,
    product_id: UUID,
    query: Mapping[str, str],
    *,
    ip_address: str | None,
    referer: str | None,
) -> Session:
    """Return the new session, as the link's parameters have it.

    Raises NotFound for a product of another environment, InvalidFields, and what `create_session` raises.
    """
    async with reading(INSTANCE) as tx:
        tenant_id = await products.find_tenant_id(tx, product_id)
        found = None if tenant_id is None else await tenants.get_environment(tx, tenant_id)
    if found is None or found.name != environment:
        raise NotFound
    wanted = link_parameters(query).wanted(product_id, ip_address, referer)
    async with transaction(tenants.tenant_of(found)) as tx:
        return await steps.open_session(tx, wanted)
