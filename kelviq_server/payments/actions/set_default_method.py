"""Let a customer pay with another method."""

from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.payments import steps, store
from kelviq_server.payments.records import PaymentMethod
from kelviq_server.platform.database import Tenant, transaction


async def set_default_method(tenant: Tenant, id: int) -> PaymentMethod:
    """Return the method, which is the customer's default now; raises NotFound."""
    async with transaction(tenant) as tx:
        customer_id = await store.find_owner(tx, id)
        if customer_id is None:
            raise NotFound
        await customers.lock_by_id(tx, customer_id)
        return await steps.make_default(tx, customer_id, await store.get_method(tx, id))
