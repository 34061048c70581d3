"""All SQL about transactions."""

from typing import LiteralString
from uuid import UUID

import msgspec

from kelviq_server.billing.transactions.records import (
    NewTransaction,
    Success,
    Transaction,
    TransactionFilter,
)
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
    "id, kind, status, order_id, refund_id, currency, amount_units, fee_units, fees, tax_units, net_units,"
    " payment_method, available_on, created_at"
)
# Attempts that are on their way are seen, too.
_LISTED: LiteralString = "SELECT id, seq FROM transactions WHERE tenant_id = %(tenant_id)s"
_ROWS: LiteralString = "SELECT * FROM transactions WHERE tenant_id = %(tenant_id)s AND " + CHOSEN
_COUNT: LiteralString = (
    "SELECT coalesce(sum(count), 0)::bigint AS count FROM status_tallies WHERE tenant_id = %(tenant_id)s"
    " AND list = 'transactions'"
)
_SOUGHT: LiteralString = (
    _LISTED + " AND " + NARROWED + " AND (%(status)s::text IS NULL OR status = %(status)s)"
    " AND (%(start)s::date IS NULL OR created_at >= %(start)s::date)"
    " AND (%(end)s::date IS NULL OR created_at < %(end)s::date + 1)"
)


async def list_transactions(tx: Tx, wanted: TransactionFilter, page: Page) -> Listed[Transaction]:
    """Return a page of the transactions, newest first; counted by tallies where nothing but a status is asked for."""
    parameters = {"tenant_id": tx.tenant_id, "status": wanted.status, **page_parameters_of(page)}
    if not wanted.terms and wanted == TransactionFilter(wanted.terms, wanted.status):
        of_status: LiteralString = "" if wanted.status is None else " AND status = %(status)s"
        statement = counted_listing(_COUNT + of_status, _LISTED + of_status, _ROWS, _COLUMNS)
        return await tx.decoded(Listed[Transaction], statement, parameters)
    return await tx.decoded(
        Listed[Transaction],
        listing(_SOUGHT, _ROWS, _COLUMNS),
        {
            **parameters,
            "terms": list(wanted.terms),
            "narrowing": await narrowest_pattern(tx, "transactions", wanted.terms),
            "start": wanted.start_date,
            "end": wanted.end_date,
        },
        plan_for_values=True,
    )


async def find_charge(tx: Tx, order_id: str) -> UUID | None:
    """Return the charge that paid an order, or None where nothing was charged for it."""
    return await tx.value(
        "SELECT id FROM transactions WHERE tenant_id = %s AND order_id = %s AND kind = 'CHARGE' AND status = 'success'",
        (tx.tenant_id, order_id),
    )


async def find_last_charge(tx: Tx, order_id: str) -> UUID | None:
    """Return the newest attempt to have an order paid, whatever came of it, or None."""
    return await tx.value(
        "SELECT id FROM transactions WHERE tenant_id = %s AND order_id = %s AND kind = 'CHARGE'"
        " ORDER BY seq DESC LIMIT 1",
        (tx.tenant_id, order_id),
    )


async def insert_transaction(tx: Tx, new: NewTransaction) -> None:
    """Write an attempt that is about to be made."""
    await tx.execute(
        "INSERT INTO transactions (tenant_id, id, kind, status, order_id, refund_id, currency, amount_units,"
        "  payment_method, folded, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, %(kind)s, 'pending', %(order_id)s, %(refund_id)s, %(currency)s,"
        "  %(amount_units)s, %(payment_method)s, %(folded)s, %(now)s, %(now)s)",
        {
            "tenant_id": tx.tenant_id,
            "id": new.id,
            "kind": new.kind,
            "order_id": new.order_id,
            "refund_id": new.refund_id,
            "currency": new.currency,
            "amount_units": new.amount_units,
            "payment_method": msgspec.json.encode(new.payment_method).decode(),
            "folded": new.folded,
            "now": tx.now,
        },
    )


async def update_succeeded(tx: Tx, id: UUID, success: Success) -> None:
    """Note that an attempt succeeded, and what it came to."""
    await tx.execute(
        "UPDATE transactions SET status = 'success', fee_units = %(fee_units)s, fees = %(fees)s,"
        "  tax_units = %(tax_units)s, net_units = amount_units - %(fee_units)s - %(tax_units)s,"
        "  reference = %(reference)s, available_on = %(available_on)s, modified_at = %(now)s,"
        "  folded = folded || chr(10) || lower(coalesce(%(reference)s::text, ''))"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {
            "tenant_id": tx.tenant_id,
            "id": id,
            "fee_units": success.fee_units,
            "fees": msgspec.json.encode(success.fees).decode(),
            "tax_units": success.tax_units,
            "reference": success.reference,
            "available_on": success.available_on,
            "now": tx.now,
        },
    )


async def update_failed(tx: Tx, id: UUID, reference: str | None) -> None:
    """Note that an attempt failed."""
    await tx.execute(
        "UPDATE transactions SET status = 'failure', reference = %(reference)s, modified_at = %(now)s,"
        "  folded = folded || chr(10) || lower(coalesce(%(reference)s::text, ''))"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": id, "reference": reference, "now": tx.now},
    )
