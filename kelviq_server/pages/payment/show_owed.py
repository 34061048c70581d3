"""Show an invoice to whoever has its link."""

from kelviq_server.billing.invoices import steps as invoices
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.payment_links.steps import read_token
from kelviq_server.core.errors import NotFound
from kelviq_server.pages.payment.records import Owed
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.tenants import steps as tenants


async def show_owed(token: str) -> Owed:
    """Return the invoice that a link stands for; raises NotFound."""
    meant = read_token(token)
    if meant is None:
        raise NotFound
    tenant_id, invoice_id = meant
    async with reading(INSTANCE) as tx:
        tenant = await tenants.get_tenant(tx, tenant_id)
    async with reading(tenant) as tx:
        invoice = await invoices.get_invoice(tx, invoice_id)
        if invoice.order_id is None:
            raise NotFound
        [whole] = (await orders.wholes_by_id(tx, [invoice.order_id])).values()
        return Owed(
            tenant,
            await tenants.get_seller(tx),
            invoice,
            whole,
            await payments.find_default(tx, invoice.customer_id),
            await payments.find_pending(tx, invoice.order_id),
        )
