"""Makes what money is taken for, past HTTP, and tells what became of it: in our books, and at the sandbox's gateway."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import uuid4

from kelviq_server.billing.charges.actions.create_charge import create_charge
from kelviq_server.billing.charges.records import NewCharge
from kelviq_server.billing.ledger.actions.grant_credit import grant_credit
from kelviq_server.billing.ledger.records import NewCredit
from kelviq_server.billing.orders.records import Order
from kelviq_server.billing.refunds.actions.create_refund import create_refund
from kelviq_server.billing.refunds.records import NewRefund, Refund
from kelviq_server.billing.settlement.jobs import settle_unanswered
from kelviq_server.billing.verification.actions.verify_books import verify_books
from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.records import NewPlan, PlanFields, Rollout
from kelviq_server.catalog.prices.records import Charge, Component, MeterTerms, NewPrice, PaymentType, PriceType
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.records import NewProduct, TaxCode
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.pricing import PriceModel
from kelviq_server.payments.actions.save_method import save_method
from kelviq_server.payments.records import NewCard
from kelviq_server.platform.database import Tenant, reading, transaction
from tests import make

GERMANY = '{"country": "DE"}'


class Card(StrEnum):
    """Test cards, by what they do."""

    SUCCEEDS = "4242424242424242"
    FAILS_LATER = "4000000000000341"
    ASKS_FOR_AUTHENTICATION = "4000002500003155"
    LOSES_THE_ANSWER = "4000000000005019"
    ANSWERS_LATE = "4000000000005035"
    DECLINES_LATE = "4000000000005043"
    CANNOT_REFUND = "4000000000005126"


@dataclass(frozen=True)
class Kept:
    """What is kept about a customer's money, each list in the order in which it came about; all amounts in units."""

    # What the gateway holds: of each charge and refund its status, its amount, and how much of it was given back.
    gateway: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    # Of each its status, what it came to, what of that credit paid, what the card paid, and what was given back.
    orders: list[tuple[str, int, int, int, int]] = field(default_factory=list[tuple[str, int, int, int, int]])
    invoices: list[str] = field(default_factory=list[str])
    credit_notes: list[int] = field(default_factory=list[int])
    transactions: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    entries: list[str] = field(default_factory=list[str])
    credit: int = 0
    # How often which event was announced.
    events: dict[str, int] = field(default_factory=dict[str, int])


async def plan(tenant: Tenant, amount: int | None = 49) -> str:
    """Publish a plan that is bought once, without an amount by agreement, and return its identifier."""
    product = await create_product(tenant, NewProduct("Suite", TaxCode.SAAS))
    identifier = f"plan-{uuid4().hex}"
    await create_plan(tenant, NewPlan(product.id, PlanFields("Lifetime"), identifier))
    if amount is None:
        price = NewPrice(price_type=PriceType.CUSTOM, currency="USD")
    else:
        once = Charge(ChargePeriod.ONE_TIME, Decimal(amount))
        component = Component(None, PriceModel.FLAT, PaymentType.ADVANCE_COMMITMENT, MeterTerms(), (once,))
        price = NewPrice(price_type=PriceType.PAID, currency="USD", components=(component,))
    await set_prices(tenant, identifier, [price])
    await publish_plan(tenant, identifier, Rollout())
    return identifier


async def customer(tenant: Tenant, card: Card = Card.SUCCEEDS, *, credit: int = 0, **fields: Any) -> str:
    """Create a customer with a saved card, and credit if so much is named, and return their id."""
    external_id = (await make.customer(tenant, **fields)).external_id
    await save_card(tenant, external_id, card)
    if credit:
        await grant(tenant, external_id, credit)
    return external_id


async def save_card(tenant: Tenant, customer: str, card: Card) -> None:
    """Let a customer pay with a test card from now on, and with nothing that they had before."""
    saved = await save_method(tenant, customer, NewCard(card, 12, 2090, "123"), is_default=True)
    async with transaction(tenant) as tx:
        await tx.execute(
            "UPDATE payment_methods SET deleted_at = %s WHERE tenant_id = %s AND id <> %s AND customer_id ="
            " (SELECT id FROM customers WHERE tenant_id = %s AND external_id = %s)",
            (tx.now, tx.tenant_id, saved.id, tx.tenant_id, customer),
        )


async def grant(tenant: Tenant, customer: str, units: int) -> int:
    """Let a customer have so much credit."""
    return await grant_credit(tenant, NewCredit(customer, "USD", units, None))


async def charge(tenant: Tenant, plan: str, customer: str, **fields: Any) -> Order:
    """Charge a customer."""
    return (await create_charge(tenant, NewCharge(plan, customer, **fields))).order


async def refund(tenant: Tenant, order: Order, units: int | None = None, **fields: Any) -> Refund:
    """Give back so much of an order, or all that is left of it."""
    return await create_refund(tenant, NewRefund(order.id, units, **fields))


async def sweep() -> None:
    """Ask after all attempts whose end nobody noted, as a worker does some time later."""
    await settle_unanswered(timedelta())


async def assert_books_right(tenant: Tenant) -> None:
    """Fail where anything is not what its records come to."""
    assert (await verify_books(tenant)).differences == []


async def kept(tenant: Tenant, customer: str) -> Kept:
    """Return what is kept about a customer's money."""
    async with reading(tenant) as tx:
        return await tx.decoded(Kept, _KEPT, {"tenant_id": tenant.id, "customer": customer})


_KEPT = """
    WITH o AS (
      SELECT orders.* FROM orders JOIN customers AS c ON c.tenant_id = orders.tenant_id AND c.id = customer_id
      WHERE orders.tenant_id = %(tenant_id)s AND external_id = %(customer)s
    ), t AS (SELECT * FROM transactions WHERE tenant_id = %(tenant_id)s AND order_id IN (SELECT id FROM o)
    ), i AS (SELECT * FROM invoices WHERE tenant_id = %(tenant_id)s AND order_id IN (SELECT id FROM o)
    ), n AS (SELECT * FROM credit_notes WHERE tenant_id = %(tenant_id)s AND invoice_id IN (SELECT id FROM i)
    ), l AS (
      SELECT l.* FROM journal_lines AS l JOIN customers AS c ON c.tenant_id = l.tenant_id AND c.id = customer_id
      WHERE l.tenant_id = %(tenant_id)s AND external_id = %(customer)s AND account = 'customer_credit'
    ), e AS (
      SELECT * FROM journal_entries WHERE tenant_id = %(tenant_id)s
       AND (order_id IN (SELECT id FROM o) OR id IN (SELECT entry_id FROM l))
    ), p AS (
      SELECT * FROM sandbox_payments WHERE tenant_id = %(tenant_id)s AND key IN (SELECT id FROM t)
    ), told AS (
      SELECT payload->>'type' AS type, count(*) AS count FROM outbox
      WHERE tenant_id = %(tenant_id)s AND EXISTS (SELECT FROM o WHERE strpos(payload::text, o.id) > 0) GROUP BY 1
    ) SELECT json_build_object(
      'gateway', (SELECT coalesce(json_agg(json_build_array(status, amount_units, refunded_units)
         ORDER BY created_at, key), '[]') FROM p),
      'orders', (SELECT coalesce(json_agg(json_build_array(status, total_units, credit_units, paid_units,
         refunded_units) ORDER BY created_at, id), '[]') FROM o),
      'invoices', (SELECT coalesce(json_agg(status ORDER BY created_at, id), '[]') FROM i),
      'credit_notes', (SELECT coalesce(json_agg(total_units ORDER BY number), '[]') FROM n),
      'transactions', (SELECT coalesce(json_agg(json_build_array(kind, status, amount_units) ORDER BY seq), '[]')
         FROM t),
      'entries', (SELECT coalesce(json_agg(kind ORDER BY id), '[]') FROM e),
      'credit', (SELECT coalesce(-sum(amount_units), 0) FROM l),
      'events', (SELECT coalesce(json_object_agg(type, count), '{}') FROM told))
"""
