"""All SQL about orders and their timelines."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from kelviq_server.billing.orders.records import (
    Collection,
    NewOrderEvent,
    Order,
    OrderEvent,
    OrderFilter,
    OrderStatus,
    PaidWith,
    Sale,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.listing import (
    CHOSEN,
    NARROWED,
    Listed,
    counted_listing,
    listing,
    page_parameters_of,
)
from kelviq_server.platform.narrowing import narrowest_pattern
from kelviq_server.platform.paging import Page

_COLUMNS: LiteralString = (
    "id, status, billing_type, is_renewal, is_trial, collection, customer_id, subscription_id, lineage_id, product_id,"
    " plan_version_id,"
    " currency, subtotal_units, discount_units, tax_units, total_units, credit_units, paid_units, refunding_units,"
    " refunded_units, buyer, features, custom_fields, payment_method, invoice_id, paid_at, created_at, modified_at"
)
_ROWS: LiteralString = "SELECT *, listed_seq AS seq FROM orders WHERE tenant_id = %(tenant_id)s AND " + CHOSEN
_LISTED: LiteralString = (
    "SELECT id, listed_seq AS seq FROM orders WHERE tenant_id = %(tenant_id)s AND listed_seq IS NOT NULL"
)
_COUNT: LiteralString = (
    "SELECT coalesce(sum(count), 0)::bigint AS count FROM status_tallies WHERE tenant_id = %(tenant_id)s"
    " AND list = 'orders' AND status <> 'PENDING'"
)
_SOUGHT: LiteralString = (
    _LISTED + " AND " + NARROWED + " AND (%(status)s::text IS NULL OR status = %(status)s)"
    " AND (%(billing_type)s::text IS NULL OR billing_type = %(billing_type)s)"
    " AND (%(is_renewal)s::boolean IS NULL OR is_renewal = %(is_renewal)s)"
    " AND (%(start)s::date IS NULL OR paid_at >= %(start)s::date)"
    " AND (%(end)s::date IS NULL OR paid_at < %(end)s::date + 1)"
)


async def list_orders(tx: Tx, wanted: OrderFilter, page: Page) -> Listed[Order]:
    """Return a page of the orders that may be seen, the newest paid first.

    All of them, and all of one status, are counted by tallies; whatever else is asked for is counted as it is read.
    """
    parameters = {"tenant_id": tx.tenant_id, "status": wanted.status, **page_parameters_of(page)}
    if not wanted.terms and wanted == OrderFilter(wanted.terms, wanted.status):
        statement = (
            counted_listing(_COUNT, _LISTED, _ROWS, _COLUMNS)
            if wanted.status is None
            else counted_listing(
                _COUNT + " AND status = %(status)s", _LISTED + " AND status = %(status)s", _ROWS, _COLUMNS
            )
        )
        return await tx.decoded(Listed[Order], statement, parameters)
    return await tx.decoded(
        Listed[Order],
        listing(_SOUGHT, _ROWS, _COLUMNS),
        {
            **parameters,
            "terms": list(wanted.terms),
            "narrowing": await narrowest_pattern(tx, "orders", wanted.terms),
            "billing_type": wanted.billing_type,
            "is_renewal": wanted.is_renewal,
            "start": wanted.start_date,
            "end": wanted.end_date,
        },
        plan_for_values=True,
    )


async def list_by_id(tx: Tx, ids: Sequence[str]) -> dict[str, Order]:
    """Return orders, pending ones too, by id."""
    found = await tx.decoded(
        list[Order],
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT " + _COLUMNS + " FROM orders"
        " WHERE tenant_id = %s AND id = ANY(%s)) AS found",
        (tx.tenant_id, list(ids)),
    )
    return {order.id: order for order in found}


async def get_order(tx: Tx, id: str) -> Order:
    """Return an order that may be seen; raises NotFound."""
    order = (await list_by_id(tx, [id])).get(id)
    if order is None or order.status is OrderStatus.PENDING:
        raise NotFound
    return order


async def lock_order(tx: Tx, id: str) -> Order:
    """Return an order that nobody else changes until this transaction ends, nor its customer; raises NotFound."""
    await tx.execute(
        "SELECT FROM customers WHERE tenant_id = %(tenant_id)s AND id = (SELECT customer_id FROM orders"
        "  WHERE tenant_id = %(tenant_id)s AND id = %(id)s) FOR NO KEY UPDATE",
        {"tenant_id": tx.tenant_id, "id": id},
    )
    order = await tx.find_decoded(
        Order,
        "SELECT row_to_json(found) FROM (SELECT " + _COLUMNS + " FROM orders"
        " WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE) AS found",
        (tx.tenant_id, id),
    )
    if order is None:
        raise NotFound
    return order


async def find_by_request(tx: Tx, request_id: UUID) -> Order | None:
    """Return the order that was made under an idempotency claim, or None."""
    id = await tx.value("SELECT id FROM orders WHERE tenant_id = %s AND request_id = %s", (tx.tenant_id, request_id))
    return None if id is None else (await list_by_id(tx, [id]))[id]


# In which currency the customer `c` last paid something.
PAID_IN: Final[LiteralString] = (
    "SELECT currency FROM orders WHERE tenant_id = %(tenant_id)s AND customer_id = c.id AND paid_at IS NOT NULL"
    " AND total_units > 0 ORDER BY listed_seq DESC LIMIT 1"
)


async def find_currency(tx: Tx, customer_id: UUID) -> str | None:
    """Return the currency in which a customer last paid something, or None."""
    return await tx.value(
        "SELECT (" + PAID_IN + ") FROM (SELECT %(customer_id)s::uuid AS id) AS c",
        {"tenant_id": tx.tenant_id, "customer_id": customer_id},
    )


async def insert_order(tx: Tx, sale: Sale, method: PaidWith | None) -> Order:
    """Write a pending order and return it, with the id that its invoice is to have."""
    invoice = sale.invoice
    order = await tx.find_decoded(
        Order,
        "WITH added AS (INSERT INTO orders (tenant_id, id, invoice_id, status, billing_type, is_renewal, is_trial,"
        "  collection, customer_id, subscription_id, lineage_id, period_start, product_id, plan_version_id, currency,"
        "  subtotal_units, discount_units, tax_units, total_units, credit_units, buyer, features, payment_method,"
        "  request_id, folded, created_at, modified_at)"
        " SELECT %(tenant_id)s, new.id, document_id('INV', %(now)s, nextval('document_numbers')), 'PENDING',"
        "  %(billing_type)s, %(is_renewal)s, %(is_trial)s, %(collection)s, %(customer_id)s, %(subscription_id)s,"
        "  %(lineage_id)s, %(period_start)s, %(product_id)s, %(version_id)s,"
        "  %(currency)s, %(subtotal_units)s, %(discount_units)s, %(tax_units)s, %(total_units)s, %(credit_units)s,"
        "  %(buyer)s, %(features)s, %(payment_method)s, %(request_id)s, lower(new.id) || chr(10) || %(folded)s,"
        "  %(now)s, %(now)s"
        " FROM (SELECT document_id('ORD', %(now)s, nextval('document_numbers')) AS id) AS new"
        " RETURNING "
        + _COLUMNS
        + "), noted AS (INSERT INTO order_events (tenant_id, order_id, subscription_id, title, code, status, metadata,"
        "  happened_at)"
        "  SELECT %(tenant_id)s, id, coalesce(lineage_id, subscription_id), 'Order created', 'order.created',"
        "   'success', '{}', created_at FROM added"
        ") SELECT row_to_json(added) FROM added",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "billing_type": sale.billing_type,
            "is_renewal": sale.is_renewal,
            "is_trial": sale.is_trial,
            "collection": sale.collection,
            "lineage_id": sale.lineage_id,
            "period_start": sale.period_start,
            "customer_id": sale.buyer.id,
            "subscription_id": sale.subscription_id,
            "product_id": sale.product.id,
            "version_id": sale.version.id,
            "currency": sale.currency,
            "subtotal_units": invoice.subtotal_units,
            "discount_units": invoice.discount_units,
            "tax_units": invoice.tax_units,
            "total_units": invoice.total_units,
            "credit_units": invoice.credit_units,
            "buyer": _json(sale.buyer),
            "features": _json(sale.features) if sale.features else None,
            "payment_method": None if method is None else _json(method),
            "request_id": sale.request_id,
            "folded": folded_fields(sale.buyer.name, sale.buyer.email, sale.buyer.external_id),
        },
    )
    assert order is not None
    return order


async def update_paid(tx: Tx, id: str) -> Order:
    """Note that a locked order is paid, put it first in lists, and return it."""
    return await _changed(
        tx,
        "UPDATE orders SET status = 'COMPLETE', listed_seq = nextval('order_places'),"
        "  paid_units = total_units - credit_units, paid_at = %(now)s, modified_at = %(now)s",
        id,
    )


async def update_failed(tx: Tx, id: str) -> Order:
    """Note that a locked order was not paid, put it first in lists, and return it."""
    return await _changed(
        tx,
        "UPDATE orders SET status = 'FAILED', listed_seq = nextval('order_places'), modified_at = %(now)s",
        id,
    )


async def update_collection(tx: Tx, id: str, collection: Collection) -> None:
    """Decide anew when a payment that fails is the end of a locked order."""
    await tx.execute(
        "UPDATE orders SET collection = %s, modified_at = %s WHERE tenant_id = %s AND id = %s",
        (collection, tx.now, tx.tenant_id, id),
    )


async def update_method(tx: Tx, id: str, method: PaidWith) -> Order:
    """Note what a locked order is to be paid with this time, and return it."""
    return await _changed(
        tx, "UPDATE orders SET payment_method = %(method)s, modified_at = %(now)s", id, method=_json(method)
    )


async def list_open(tx: Tx, lineage_id: UUID) -> list[Order]:
    """Return what a subscription owes, or is paying, the oldest first."""
    return await tx.decoded(
        list[Order],
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT " + _COLUMNS + " FROM orders"
        " WHERE tenant_id = %s AND lineage_id = %s AND status = 'PENDING' ORDER BY created_at, id) AS found",
        (tx.tenant_id, lineage_id),
    )


async def list_of_customer(tx: Tx, customer_id: UUID, limit: int) -> list[Order]:
    """Return so many of a customer's orders at the most, those that anybody gets to see, the newest first."""
    return await tx.decoded(
        list[Order],
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT " + _COLUMNS + " FROM orders"
        " WHERE tenant_id = %s AND customer_id = %s AND status <> 'PENDING' ORDER BY created_at DESC, id DESC"
        " LIMIT %s) AS found",
        (tx.tenant_id, customer_id, limit),
    )


async def update_refunding(tx: Tx, id: str, amount_units: int) -> None:
    """Set so much of a locked order aside for a refund; a negative amount gives it free. Never more than was paid."""
    await tx.execute(
        "UPDATE orders SET refunding_units = refunding_units + %s, modified_at = %s WHERE tenant_id = %s AND id = %s",
        (amount_units, tx.now, tx.tenant_id, id),
    )


async def update_refunded(tx: Tx, id: str, amount_units: int) -> Order:
    """Note that so much of what was set aside of a locked order is refunded, and return it."""
    return await _changed(
        tx,
        "UPDATE orders SET refunded_units = refunded_units + %(units)s, modified_at = %(now)s,"
        "  status = CASE WHEN refunded_units + %(units)s = paid_units THEN 'REFUNDED' ELSE 'PARTIAL_REFUND' END",
        id,
        units=amount_units,
    )


async def _changed(tx: Tx, update: LiteralString, id: str, **values: Any) -> Order:
    order = await tx.find_decoded(
        Order,
        "WITH changed AS (" + update + " WHERE tenant_id = %(tenant_id)s AND id = %(id)s RETURNING " + _COLUMNS + ")"
        " SELECT row_to_json(changed) FROM changed",
        {"now": tx.now, "tenant_id": tx.tenant_id, "id": id, **values},
    )
    assert order is not None
    return order


async def insert_events(tx: Tx, order: Order, events: Sequence[NewOrderEvent]) -> None:
    """Write what happened to an order, in this order."""
    await tx.execute(
        "INSERT INTO order_events (tenant_id, order_id, subscription_id, title, code, status, metadata, happened_at)"
        " SELECT %s, %s, %s, title, code, status, metadata, %s"
        " FROM json_to_recordset(%s::json) AS event (title text, code text, status text, metadata json)",
        (tx.tenant_id, order.id, order.lineage_id or order.subscription_id, tx.now, _json(events)),
    )


async def list_events(tx: Tx, order: Order, page: Page) -> Listed[OrderEvent]:
    """Return a page of what happened to an order and to those of the same subscription, newest first."""
    return await tx.decoded(
        Listed[OrderEvent],
        listing(
            "SELECT id, id AS seq FROM order_events AS e WHERE tenant_id = %(tenant_id)s"
            " AND subscription_id = %(subscription_id)s AND EXISTS (SELECT FROM orders AS o"
            "  WHERE o.tenant_id = e.tenant_id AND o.id = e.order_id AND o.listed_seq IS NOT NULL)",
            "SELECT *, id AS seq FROM order_events WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            "id, order_id, title, code, status, metadata, happened_at",
        ),
        {
            "tenant_id": tx.tenant_id,
            "subscription_id": order.lineage_id or order.subscription_id,
            **page_parameters_of(page),
        },
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
