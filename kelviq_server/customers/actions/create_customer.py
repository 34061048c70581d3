"""Create a customer."""

from kelviq_server.customers import steps
from kelviq_server.customers.errors import CustomerExists
from kelviq_server.customers.records import Customer, NewCustomer
from kelviq_server.platform.database import Tenant, transaction


async def create_customer(tenant: Tenant, new: NewCustomer) -> Customer:
    """Return the new customer; raises CustomerExists when the id was ever used, by an archived one too."""
    async with transaction(tenant) as tx:
        created = await steps.add_customer(tx, new)
        if created is None:
            raise CustomerExists
        return created
