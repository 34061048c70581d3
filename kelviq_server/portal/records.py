"""A customer's portal: what they bought and what came with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.customers.records import CustomerSummary
from kelviq_server.platform.database import Tenant
from kelviq_server.subscriptions.life.records import WholeSubscription
from kelviq_server.tenants.records import Seller


@dataclass(frozen=True, slots=True)
class PortalSession:
    """What lets a customer into their portal."""

    token: str
    email: str
    # Of the organization, in the portal's address.
    slug: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Of whom a token is that we made."""

    tenant_id: int
    customer_id: UUID
    # Of the e-mail address that they had.
    email_digest: bytes


@dataclass(frozen=True, slots=True)
class Portal:
    """What a customer sees of themselves."""

    tenant: Tenant
    seller: Seller
    customer: CustomerSummary
    # What they now have, with files, links and licences; and the orders, the newest first.
    purchases: Sequence[WholeSubscription]
    orders: Sequence[WholeOrder]
    now: datetime
