"""Let a customer have credit, or take some away."""

from kelviq_server.billing.ledger import steps, store
from kelviq_server.billing.ledger.errors import CreditTooLow
from kelviq_server.billing.ledger.records import NewCredit
from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.platform.database import Tenant, transaction


async def grant_credit(tenant: Tenant, new: NewCredit) -> int:
    """Return how much credit the customer has now in this currency; raises CustomerUnknown, CreditTooLow."""
    async with transaction(tenant) as tx:
        try:
            customer = await customers.lock_customer(tx, new.customer)
        except NotFound:
            raise CustomerUnknown from None
        credit = await store.find_credit(tx, customer.id, new.currency) + new.amount_units
        if credit < 0:
            raise CreditTooLow
        await steps.grant_credit(tx, customer.id, new.currency, new.amount_units, note=new.note)
        return credit
