"""What happened at a checkout, as the public webhook guide writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from msgspec import Raw

from kelviq_server.billing.orders.events import OrderCreated
from kelviq_server.billing.orders.records import BilledCustomer, BoughtFeature, WholeOrder
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.checkout.sessions.records import Details, Options, Selection, Session, SessionStatus
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.events import Event, webhook_instant
from kelviq_server.core.money import to_amount
from kelviq_server.customers.events import customer_object
from kelviq_server.platform.json_body import parse
from kelviq_server.platform.values import currency_exponents

_AT = datetime(2025, 6, 4, 6, 3, 30, tzinfo=UTC)
_JANES = Session(
    id="cs_eeCGdGayc5oTMdGNV5XocfRk6o87K0vlwwCuKeiE7BLU9",
    status=SessionStatus.SUCCESS,
    product_id=UUID("0197269a-2f10-7c4e-8d21-5b1f0c9a7e33"),
    external_id="unique-customer-id-123",
    customer_id=UUID("019726d5-9d13-7a52-8a3e-0d6b1c2f9e01"),
    options=Options(
        "USD", is_trusted=True, tax_behavior=TaxBehavior.EXCLUSIVE, success_url="https://example.com/welcome"
    ),
    selection=Selection("lifetime-access", ChargePeriod.ONE_TIME),
    details=Details(email="jane@example.com", name="Jane Doe", country="IN", postal_code="560001"),
    offering=Raw(b"{}"),
    metadata=Raw(b'{"order_ref": "ABC-123", "source": "pricing_page"}'),
    turn=1,
    failure=None,
    card=None,
    needs_action=False,
    has_made_customer=False,
    order_id="ORD-20250604060330-H8IO7",
    expires_at=_AT,
    completed_at=_AT,
    created_at=_AT,
    modified_at=_AT,
)


@dataclass(frozen=True)
class CheckoutCompleted(Event):
    """Somebody has bought what a checkout session was opened for: what was due is paid.

    - `amount` is what was charged for, with tax and after discounts; that of a trial is zero.
    - `customer_id` is the server's id of the customer, `customer.customer_id` yours.
    - `metadata` is what the session was created with, key by key.
    - `subscription.created` follows, with the id of the subscription.
    """

    type: ClassVar[str] = "checkout.completed"
    session: Session
    whole: WholeOrder
    organization: UUID | None

    @classmethod
    def example(cls) -> Self:
        """Return that Jane bought."""
        created = OrderCreated.example()
        return cls(_JANES, created.whole, created.organization)

    @property
    def customer_id(self) -> UUID:
        """The buyer."""
        return self.whole.order.customer_id

    def data(self) -> dict[str, Any]:
        """Return the session as the guide shows it."""
        session, order, version = self.session, self.whole.order, self.whole.version
        customer = customer_object(order.buyer)
        return {
            "object": {
                "id": session.id,
                "object": "checkout_session",
                "status": session.status,
                "checkout_type": order.billing_type,
                "customer_id": str(order.customer_id),
                "customer": customer,
                "organization": str(self.organization),
                "amount": str(to_amount(order.total_units, currency_exponents()[order.currency])),
                "amount_units": order.total_units,
                "currency": order.currency,
                "discount_code": session.selection.discount_code or "",
                "features": _features(order.features),
                "plan": {"name": version.name, "version": version.version, "identifier": version.identifier},
                "product": {"id": str(self.whole.product.id), "name": self.whole.product.name},
                "billing_address": customer["billing_address"],
                "metadata": parse(bytes(session.metadata)),
                "data": _typed(session, order.buyer),
                "created_on": webhook_instant(session.created_at),
                "modified_on": webhook_instant(session.modified_at),
            }
        }


def _features(bought: Sequence[BoughtFeature] | None) -> list[dict[str, Any]] | None:
    if not bought:
        return None
    return [{"identifier": feature.identifier, "quantity": feature.quantity} for feature in bought]


def _typed(session: Session, buyer: BilledCustomer) -> dict[str, Any]:
    options = session.options
    return {
        "name": buyer.name,
        "email": buyer.email,
        "referer": options.referer,
        "cancel_url": options.cancel_url,
        "success_url": options.success_url,
        "tax_behavior": options.tax_behavior,
        "discounts_enabled": options.takes_discounts,
    }
