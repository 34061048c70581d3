"""An invoice as the page shows it on which it is paid."""

from dataclasses import dataclass

from kelviq_server.billing.invoices.records import Invoice
from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.payments.records import Attempt, PaymentMethod
from kelviq_server.platform.database import Tenant
from kelviq_server.tenants.records import Seller


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice that was issued, with all that its page shows."""

    tenant: Tenant
    seller: Seller
    invoice: Invoice
    whole: WholeOrder
    # What the customer pays with, and the payment that is on its way, if any.
    method: PaymentMethod | None
    attempt: Attempt | None
