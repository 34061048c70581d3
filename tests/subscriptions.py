"""Subscribes and changes past HTTP, moves clocks, and tells what became of it all: records, orders, money, events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from typing import Any, LiteralString
from uuid import UUID, uuid4

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.catalog.plans.actions.create_plan import create_plan
from kelviq_server.catalog.plans.actions.publish_plan import publish_plan
from kelviq_server.catalog.plans.actions.set_prices import set_prices
from kelviq_server.catalog.plans.records import NewPlan, PlanFields, Rollout
from kelviq_server.catalog.prices.records import Charge, Component, MeterTerms, NewPrice, PaymentType, PriceType
from kelviq_server.catalog.products.actions.create_product import create_product
from kelviq_server.catalog.products.records import NewProduct, TaxCode
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.pricing import PriceModel
from kelviq_server.customers.steps import find_customer_id
from kelviq_server.payments.actions.delete_method import delete_method
from kelviq_server.payments.steps import find_default
from kelviq_server.platform.database import Tenant, reading, transaction
from kelviq_server.platform.due import DueWorks
from kelviq_server.subscriptions.changes.actions.change_plan import change_plan
from kelviq_server.subscriptions.changes.actions.preview_change import preview_change
from kelviq_server.subscriptions.changes.records import ChangePlan, Preview
from kelviq_server.subscriptions.cycles.actions.take_due import LEASE
from kelviq_server.subscriptions.endings.actions.cancel_subscription import cancel_subscription
from kelviq_server.subscriptions.endings.records import Cancel, CancellationType
from kelviq_server.subscriptions.life.records import Subscription
from kelviq_server.subscriptions.life.steps import list_by_id
from kelviq_server.subscriptions.purchases.actions.create_subscription import create_subscription
from kelviq_server.subscriptions.purchases.records import CreateSubscription, Offer
from kelviq_server.tenants.clocks.actions.advance_clock import advance_clock
from kelviq_server.tenants.clocks.actions.move_clock import move_clock
from kelviq_server.tenants.clocks.records import ClockMove, ClockStatus
from kelviq_server.worker import due_works
from tests import money
from tests.money import Kept

MONTHLY = ChargePeriod.MONTHLY


@dataclass(frozen=True)
class Story:
    """All that is kept about a customer's only subscription; orders, payments and invoices as they are large."""

    # Of each record, the first one first, what decides about its future.
    records: list[dict[str, Any]]
    # Of each order which period it paid, if it paid one; the earliest first.
    periods: list[str | None]
    # What invoices without an order came to, which is less than nothing.
    credits: list[int]
    money: Kept
    # How often which event of the customer was announced.
    told: dict[str, int]

    @property
    def statuses(self) -> list[str]:
        """Return where each record stands."""
        return [record["status"] for record in self.records]


async def plan(
    tenant: Tenant,
    *charges: tuple[ChargePeriod, int],
    trial_days: int = 0,
    each: tuple[UUID, Mapping[ChargePeriod, int]] | None = None,
) -> str:
    """Publish a plan that costs so many minor units each of these periods, and return its identifier.

    `each`: a feature that is bought by its quantity, and what one costs each of these periods.
    """
    product = await create_product(tenant, NewProduct("Suite", TaxCode.SAAS))
    identifier = f"plan-{uuid4().hex}"
    await create_plan(tenant, NewPlan(product.id, PlanFields("Pro"), identifier))
    sold: list[tuple[UUID | None, Iterable[tuple[ChargePeriod, int]]]] = [(None, charges)]
    if each is not None:
        sold.append((each[0], each[1].items()))
    components = tuple(
        Component(
            feature, PriceModel.FLAT, PaymentType.ADVANCE_COMMITMENT, MeterTerms(),
            tuple(Charge(period, Decimal(units).scaleb(-2)) for period, units in priced),
        )
        for feature, priced in sold
    )  # fmt: skip
    price = NewPrice(
        price_type=PriceType.PAID, currency="USD", components=components, free_trial=trial_days > 0,
        trial_days=trial_days,
    )  # fmt: skip
    await set_prices(tenant, identifier, [price])
    await publish_plan(tenant, identifier, Rollout())
    return identifier


async def subscribe(
    tenant: Tenant,
    plan: str,
    customer: str,
    period: ChargePeriod = MONTHLY,
    *,
    features: Sequence[BoughtFeature] = (),
    request: UUID | None = None,
) -> Subscription:
    """Subscribe a customer."""
    new = CreateSubscription(customer, Offer(plan, period, features), request)
    return (await create_subscription(tenant, new)).subscription


async def change(tenant: Tenant, id: UUID, plan: str, period: ChargePeriod = MONTHLY, **fields: Any) -> UUID:
    """Change a subscription and return the id of the record that stands for it."""
    return await change_plan(tenant, ChangePlan(id, plan, period, **fields))


async def cancel(tenant: Tenant, id: UUID, type: CancellationType, on: date | None = None) -> None:
    """Cancel a subscription."""
    await cancel_subscription(tenant, Cancel(id, type, on))


async def delete_card(tenant: Tenant, customer: str) -> None:
    """Let a customer have nothing to pay with."""
    async with reading(tenant) as tx:
        id = await find_customer_id(tx, customer)
        assert id is not None
        method = await find_default(tx, id)
    assert method is not None
    await delete_method(tenant, method.id)


class Mold:
    """A customer as they are now, of whom copies are made: with methods and subscriptions, without orders.

    Many who are to be at the same place are there sooner than if each had gone the way.
    """

    def __init__(self, tenant: Tenant, customer: str, rows: list[tuple[str, LiteralString]]) -> None:
        self._tenant, self._customer, self._rows = tenant, customer, rows
        self._number = 0

    @classmethod
    async def of(cls, tenant: Tenant, customer: str) -> "Mold":
        """Return the mold of somebody."""
        rows: list[tuple[str, LiteralString]] = []
        async with reading(tenant) as tx:
            for table, of_customer, order, new in _COPIED:
                columns: list[LiteralString] = await tx.value(
                    "SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_name = %s"
                    " AND is_generated = 'NEVER' AND is_identity = 'NO'",
                    (table,),
                )
                kept = await tx.value(
                    "SELECT json_agg(it ORDER BY " + order + ")::text FROM " + table + " AS it WHERE it.tenant_id = %s"
                    " AND "
                    + of_customer
                    + " = (SELECT "
                    + of_customer
                    + " FROM "
                    + table
                    + " AS it JOIN customers AS c"
                    "  ON c.tenant_id = it.tenant_id AND c.id = " + of_customer + " WHERE c.tenant_id = %s"
                    "  AND c.external_id = %s LIMIT 1)",
                    (tx.tenant_id, tx.tenant_id, customer),
                )
                values: list[LiteralString] = [new.get(column, "it." + column) for column in columns]
                copy: LiteralString = (
                    "INSERT INTO " + table + " (" + ", ".join(columns) + ") SELECT " + ", ".join(values)
                    + " FROM json_populate_recordset(NULL::" + table + ", %(rows)s) AS it"
                )  # fmt: skip
                rows.append((kept, copy))
        return cls(tenant, customer, rows)

    async def copy(self, id: UUID) -> tuple[str, UUID]:
        """Make a copy; return the customer's id and that of the copy of a record."""
        self._number += 1
        # Its own, as several copies may be made at once.
        number = self._number
        async with transaction(self._tenant) as tx:
            for kept, copy in self._rows:
                await tx.execute(copy, {"rows": kept, "number": str(number)})
        return f"{self._customer}-{number}", UUID(md5(f"{id}{number}".encode()).hexdigest())


def _copied(*columns: LiteralString) -> dict[str, LiteralString]:
    return {column: "md5(it." + column + "::text || %(number)s)::uuid" for column in columns}


_New = Mapping[str, LiteralString]
_RENAMED: _New = {"external_id": "it.external_id || '-' || %(number)s"}
_NO_REQUEST: _New = {"request_id": "NULL"}
_OWN_METHOD: _New = {
    "method_id": "(SELECT m.id FROM payment_methods AS m WHERE m.tenant_id = it.tenant_id AND m.is_default"
    " AND m.customer_id = md5(it.customer_id::text || %(number)s)::uuid)"
}
_COPIED: tuple[tuple[LiteralString, LiteralString, LiteralString, _New], ...] = (
    ("customers", "it.id", "it.seq", {**_copied("id"), **_RENAMED}),
    ("payment_methods", "it.customer_id", "it.id", _copied("customer_id")),
    (
        "subscriptions",
        "it.customer_id",
        "it.seq",
        {**_copied("id", "customer_id", "lineage_id", "predecessor_id"), **_NO_REQUEST, **_OWN_METHOD},
    ),
)


async def let_leases_end(tenant: Tenant) -> None:
    """Let so much machine time pass that nobody has anything of the tenant in hand any more."""
    async with transaction(tenant) as tx:
        await tx.execute(
            "UPDATE subscriptions SET leased_until = leased_until - %s"
            " WHERE tenant_id = %s AND leased_until IS NOT NULL",
            (LEASE + timedelta(seconds=1), tx.tenant_id),
        )


async def do_due(tenant: Tenant) -> None:
    """Do all that is due by the tenant's clock, as a worker does."""
    while sum([await work.carry_out(tenant) for work in due_works()]):
        pass


async def advance(tenant: Tenant, to: datetime) -> None:
    """Move a clock that stands still, by way of all that falls due."""
    clock = await move_clock(tenant, ClockMove(now=to))
    assert clock.advance_id is not None
    clock = await advance_clock(tenant, clock.advance_id, DueWorks(due_works(), timedelta(minutes=1)))
    assert (clock.status, clock.now, clock.failure) == (ClockStatus.FROZEN, to, None)


async def read(tenant: Tenant, id: UUID) -> Subscription:
    """Return a record."""
    async with reading(tenant) as tx:
        [found] = await list_by_id(tx, [id])
    return found


async def preview(tenant: Tenant, id: UUID, plan: str, period: ChargePeriod = MONTHLY, **fields: Any) -> Preview:
    """Return what a change would come to."""
    return await preview_change(tenant, ChangePlan(id, plan, period, **fields))


async def current(tenant: Tenant, lineage_id: UUID) -> UUID:
    """Return the id of the record of a subscription that is in force."""
    async with reading(tenant) as tx:
        return await tx.value(
            "SELECT id FROM subscriptions WHERE tenant_id = %s AND lineage_id = %s"
            " AND status IN ('trialing', 'active', 'past_due')",
            (tenant.id, lineage_id),
        )


async def only(tenant: Tenant, customer: str) -> UUID:
    """Return the id of a customer's only record."""
    async with reading(tenant) as tx:
        id = await find_customer_id(tx, customer)
        return await tx.value("SELECT id FROM subscriptions WHERE tenant_id = %s AND customer_id = %s", (tenant.id, id))


async def story(tenant: Tenant, customer: str) -> Story:
    """Return all that is kept about a customer's only subscription."""
    kept = await money.kept(tenant, customer)
    # What came about at one instant is in no order.
    kept = replace(kept, gateway=sorted(kept.gateway), orders=sorted(kept.orders), invoices=sorted(kept.invoices))
    async with reading(tenant) as tx:
        found = await tx.value(_STORY, {"tenant_id": tenant.id, "customer": customer})
    return Story(**found, money=kept)


_STORY = """
    WITH c AS (SELECT * FROM customers WHERE tenant_id = %(tenant_id)s AND external_id = %(customer)s
    ), s AS (SELECT subscriptions.* FROM subscriptions, c WHERE subscriptions.tenant_id = c.tenant_id
       AND customer_id = c.id
    ), o AS (SELECT orders.* FROM orders, c WHERE orders.tenant_id = c.tenant_id AND customer_id = c.id
    ), i AS (SELECT invoices.* FROM invoices, c WHERE invoices.tenant_id = c.tenant_id AND customer_id = c.id
    ), e AS (SELECT outbox.type, count(*) AS count FROM outbox, c WHERE outbox.tenant_id = c.tenant_id
       AND customer_id = c.id GROUP BY 1
    ) SELECT json_build_object(
      'records', (SELECT coalesce(json_agg(to_jsonb(s) - '{tenant_id, id, seq, lineage_id, predecessor_id, customer_id,
         method_id, request_id, leased_until, created_at, modified_at}'::text[] ORDER BY seq), '[]') FROM s),
      'periods', (SELECT coalesce(json_agg(period_start ORDER BY period_start NULLS FIRST), '[]') FROM o),
      'credits', (SELECT coalesce(json_agg(total_units ORDER BY created_at, id), '[]') FROM i WHERE order_id IS NULL),
      'told', (SELECT coalesce(json_object_agg(type, count), '{}') FROM e))
"""
