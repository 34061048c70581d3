"""All SQL about refunds."""

from typing import LiteralString
from uuid import UUID

from kelviq_server.billing.orders.records import Order
from kelviq_server.billing.refunds.records import NewRefund, Refund, RefundFilter, RefundStatus
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.listing import CHOSEN, NARROWED, Listed, listing, page_parameters_of
from kelviq_server.platform.narrowing import narrowest_pattern
from kelviq_server.platform.paging import Page

_COLUMNS: LiteralString = (
    "id, order_id, customer_id, amount_units, reason, internal_note, status, failure_reason, created_at, modified_at"
)


async def list_refunds(tx: Tx, wanted: RefundFilter, page: Page) -> Listed[Refund]:
    """Return a page of the refunds, newest first."""
    return await tx.decoded(
        Listed[Refund],
        listing(
            "SELECT id, seq FROM refunds WHERE tenant_id = %(tenant_id)s AND " + NARROWED
            + " AND (%(status)s::text IS NULL OR status = %(status)s)"
            " AND (%(start)s::date IS NULL OR created_at >= %(start)s::date)"
            " AND (%(end)s::date IS NULL OR created_at < %(end)s::date + 1)",
            "SELECT * FROM refunds WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            _COLUMNS,
        ),
        {
            "tenant_id": tx.tenant_id,
            "terms": list(wanted.terms),
            "narrowing": await narrowest_pattern(tx, "refunds", wanted.terms),
            "status": wanted.status,
            "start": wanted.start_date,
            "end": wanted.end_date,
            **page_parameters_of(page),
        },
        plan_for_values=True,
    )  # fmt: skip


async def get_refund(tx: Tx, id: UUID) -> Refund:
    """Return a refund; raises NotFound."""
    return _found(
        await tx.row(
            Refund, "SELECT " + _COLUMNS + " FROM refunds WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id)
        )
    )


async def find_by_request(tx: Tx, request_id: UUID) -> Refund | None:
    """Return the refund that was made under an idempotency claim, or None."""
    return await tx.row(
        Refund,
        "SELECT " + _COLUMNS + " FROM refunds WHERE tenant_id = %s AND request_id = %s",
        (tx.tenant_id, request_id),
    )


async def insert_refund(tx: Tx, id: UUID, order: Order, new: NewRefund, amount_units: int) -> Refund:
    """Write a refund that is about to be carried out, and return it."""
    buyer = order.buyer
    return _found(
        await tx.row(
            Refund,
            "INSERT INTO refunds (tenant_id, id, order_id, customer_id, amount_units, reason, internal_note, status,"
            "  request_id, folded, created_at, modified_at)"
            " VALUES (%(tenant_id)s, %(id)s, %(order_id)s, %(customer_id)s, %(amount_units)s, %(reason)s, %(note)s,"
            "  %(status)s, %(request_id)s, %(folded)s, %(now)s, %(now)s) RETURNING " + _COLUMNS,
            {
                "tenant_id": tx.tenant_id,
                "id": id,
                "order_id": order.id,
                "customer_id": order.customer_id,
                "amount_units": amount_units,
                "reason": new.reason,
                "note": new.internal_note,
                "status": RefundStatus.PROCESSING,
                "request_id": new.request_id,
                "folded": folded_fields(str(id), order.id, buyer.name, buyer.email, buyer.external_id),
                "now": tx.now,
            },
        )
    )


async def update_settled(tx: Tx, id: UUID, failure_reason: str | None) -> Refund:
    """Note that a refund succeeded, or why it failed, and return it."""
    return _found(
        await tx.row(
            Refund,
            "UPDATE refunds SET status = %s, failure_reason = %s, modified_at = %s WHERE tenant_id = %s AND id = %s"
            " RETURNING " + _COLUMNS,
            (
                RefundStatus.SUCCEEDED if failure_reason is None else RefundStatus.FAILED,
                failure_reason,
                tx.now,
                tx.tenant_id,
                id,
            ),
        )
    )


def _found(refund: Refund | None) -> Refund:
    if refund is None:
        raise NotFound
    return refund
