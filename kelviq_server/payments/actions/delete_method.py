"""Forget a way to pay."""

from dataclasses import replace

from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.payments import store
from kelviq_server.payments.errors import DefaultMethodInUse
from kelviq_server.payments.events import PaymentMethodDeleted
from kelviq_server.platform.database import Tenant, transaction


async def delete_method(tenant: Tenant, id: int) -> None:
    """Take a method out of every list; raises NotFound, or DefaultMethodInUse for the default beside others."""
    async with transaction(tenant) as tx:
        customer_id = await store.find_owner(tx, id)
        if customer_id is None:
            raise NotFound
        await customers.lock_by_id(tx, customer_id)
        method = await store.get_method(tx, id)
        if method.is_default and await store.has_others(tx, customer_id, id):
            raise DefaultMethodInUse
        await store.update_deleted(tx, id)
        tx.announce(PaymentMethodDeleted(replace(method, is_default=False), tenant.organization))
