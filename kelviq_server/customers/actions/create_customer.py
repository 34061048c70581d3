"""Create a customer."""

from kelviq_server.customers import store
from kelviq_server.customers.errors import CustomerExists
from kelviq_server.customers.events import CustomerCreated
from kelviq_server.customers.records import Customer, NewCustomer
from kelviq_server.platform.database import Tenant, transaction


async def create_customer(tenant: Tenant, new: NewCustomer) -> Customer:
    """Return the new customer; raises CustomerExists when the id was ever used, by an archived one too."""
    async with transaction(tenant) as tx:
        created = await store.insert_customers(tx, [new])
        if not created:
            raise CustomerExists
        tx.announce(CustomerCreated(created[0], tenant.organization))
        return created[0]
