"""All SQL about the journal."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from kelviq_server.billing.ledger.records import Balance, Credit, EntryKind, JournalLine
from kelviq_server.platform.database import Tx


async def insert_entry(
    tx: Tx,
    kind: EntryKind,
    lines: Sequence[JournalLine],
    *,
    order_id: str | None = None,
    transaction_id: UUID | None = None,
    invoice_id: str | None = None,
    note: str | None = None,
) -> None:
    """Write an entry; the database refuses the commit of one whose lines do not sum to zero."""
    await tx.execute(
        "WITH entry AS (INSERT INTO journal_entries (tenant_id, kind, order_id, transaction_id,"
        "   invoice_id, note, created_at)"
        "  VALUES (%(tenant_id)s, %(kind)s, %(order_id)s, %(transaction_id)s, %(invoice_id)s, %(note)s, %(now)s)"
        "  RETURNING id)"
        " INSERT INTO journal_lines (tenant_id, entry_id, account, currency, amount_units, customer_id)"
        " SELECT %(tenant_id)s, entry.id, account, currency, amount_units, customer_id"
        " FROM entry, json_to_recordset(%(lines)s::json)"
        "  AS line (account text, currency text, amount_units bigint, customer_id uuid)",
        {
            "tenant_id": tx.tenant_id,
            "kind": kind,
            "order_id": order_id,
            "transaction_id": transaction_id,
            "invoice_id": invoice_id,
            "note": note,
            "now": tx.now,
            "lines": msgspec.json.encode(lines).decode(),
        },
    )


async def find_credit(tx: Tx, customer_id: UUID, currency: str) -> int:
    """Return how much credit a customer has, in minor units."""
    return await tx.value(
        "SELECT coalesce(-sum(amount_units), 0)::bigint FROM journal_lines WHERE tenant_id = %s AND customer_id = %s"
        " AND account = 'customer_credit' AND currency = %s",
        (tx.tenant_id, customer_id, currency),
    )


async def list_credits(tx: Tx, customer_id: UUID) -> list[Credit]:
    """Return how much credit a customer has, by currency."""
    return await tx.rows(
        Credit,
        "SELECT currency, -sum(amount_units)::bigint AS amount_units FROM journal_lines WHERE tenant_id = %s"
        " AND customer_id = %s AND account = 'customer_credit' GROUP BY currency ORDER BY currency",
        (tx.tenant_id, customer_id),
    )


async def list_balances(tx: Tx) -> list[Balance]:
    """Return what every account comes to, by currency."""
    return await tx.rows(
        Balance,
        "SELECT account, currency, sum(amount_units)::bigint AS amount_units FROM journal_lines WHERE tenant_id = %s"
        " GROUP BY account, currency ORDER BY currency, account",
        (tx.tenant_id,),
    )
