"""Save a way to pay for a customer."""

from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps
from kelviq_server.payments.errors import NoGatewayConfigured
from kelviq_server.payments.records import NewCard, PaymentMethod
from kelviq_server.platform.database import Tenant, Tx, reading, transaction
from kelviq_server.tenants import steps as tenants


async def save_method(tenant: Tenant, external_id: str, card: NewCard, *, is_default: bool) -> PaymentMethod:
    """Return the saved method. A first one is the customer's default, whatever was asked.

    What the gateway keeps and we then fail to write down is of no use to anybody, and does no harm.
    Raises CustomerUnknown, NoGatewayConfigured, NoCardsTaken, CardRefused, NotATestCard, GatewayUnavailable.
    """
    async with reading(tenant) as tx:
        if not await customers.has_customer(tx, external_id):
            raise CustomerUnknown
        name = await tenants.find_gateway(tx)
    if name is None:
        raise NoGatewayConfigured
    saved = await steps.save_card(tenant, name, card)
    async with transaction(tenant) as tx:
        customer = await _customer(tx, external_id)
        return await steps.add_method(tx, customer.id, name, saved, is_default=is_default)


async def _customer(tx: Tx, external_id: str) -> Customer:
    try:
        return await customers.lock_customer(tx, external_id)
    except NotFound:
        raise CustomerUnknown from None
