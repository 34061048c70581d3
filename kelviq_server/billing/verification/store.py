"""All SQL of verification. Each question is one statement, so that it holds while others write."""

from typing import Final, LiteralString

from kelviq_server.billing.invoices.records import Invoice, Taken
from kelviq_server.billing.verification.records import Difference
from kelviq_server.platform.database import Tx

LIMIT: Final = 100

# Each selects what, id, expected and found of everything that differs, by the tenant's id.
QUESTIONS: tuple[LiteralString, ...] = (
    # An order's amounts are its invoice's, and they are paid together.
    "SELECT 'order and its invoice' AS what, o.id,"
    "  json_build_array(i.subtotal_units, i.discount_units, i.tax_units, i.total_units, i.credit_units,"
    "    i.paid_at IS NOT NULL, i.currency)::text AS expected,"
    "  json_build_array(o.subtotal_units, o.discount_units, o.tax_units, o.total_units, o.credit_units,"
    "    o.paid_at IS NOT NULL, o.currency)::text AS found"
    " FROM orders AS o LEFT JOIN invoices AS i ON i.tenant_id = o.tenant_id AND i.id = o.invoice_id"
    " WHERE o.tenant_id = %(tenant_id)s",
    # What a paid order took is what its charges came to.
    "SELECT 'paid for order', o.id, coalesce(sum(t.amount_units), 0)::text, o.paid_units::text"
    " FROM orders AS o LEFT JOIN transactions AS t ON t.tenant_id = o.tenant_id AND t.order_id = o.id"
    "  AND t.kind = 'CHARGE' AND t.status = 'success'"
    " WHERE o.tenant_id = %(tenant_id)s GROUP BY o.tenant_id, o.id",
    # Refunds of an order, those that may still succeed and those that did.
    "SELECT 'refunds of order', o.id, json_build_array("
    "    coalesce(sum(r.amount_units) FILTER (WHERE r.status NOT IN ('FAILED', 'CANCELED')), 0),"
    "    coalesce(sum(r.amount_units) FILTER (WHERE r.status = 'SUCCEEDED'), 0))::text,"
    "  json_build_array(o.refunding_units, o.refunded_units)::text"
    " FROM orders AS o LEFT JOIN refunds AS r ON r.tenant_id = o.tenant_id AND r.order_id = o.id"
    " WHERE o.tenant_id = %(tenant_id)s GROUP BY o.tenant_id, o.id",
    # Each refund that succeeded has its credit note, and no other has one.
    "SELECT 'credit note of refund', r.id::text,"
    "  (CASE WHEN r.status = 'SUCCEEDED' THEN r.amount_units ELSE 0 END)::text, coalesce(n.total_units, 0)::text"
    " FROM refunds AS r LEFT JOIN credit_notes AS n ON n.tenant_id = r.tenant_id AND n.refund_id = r.id"
    " WHERE r.tenant_id = %(tenant_id)s",
    # A transaction tells what became of its attempt.
    "SELECT 'attempt of transaction', t.id::text, json_build_array(a.amount_units, a.status)::text,"
    "  json_build_array(abs(t.amount_units), CASE t.status WHEN 'success' THEN 'succeeded'"
    "    WHEN 'failure' THEN 'failed' ELSE 'pending' END)::text"
    " FROM transactions AS t LEFT JOIN payment_attempts AS a ON a.tenant_id = t.tenant_id AND a.id = t.id"
    " WHERE t.tenant_id = %(tenant_id)s AND t.kind IN ('CHARGE', 'REFUND')",
    # The parts of a fee are the fee.
    "SELECT 'fees of transaction', t.id::text,"
    "  (SELECT coalesce(sum((fee->>'value_units')::bigint), 0) FROM json_array_elements(t.fees) AS fee)::text,"
    "  t.fee_units::text FROM transactions AS t WHERE t.tenant_id = %(tenant_id)s",
    # What the journal has for an order: its payments less its refunds, by account.
    "SELECT 'journal of order', o.id,"
    "  json_build_array(coalesce(t.charged, 0) + coalesce(t.refunded, 0),"
    "    -(CASE WHEN o.paid_at IS NULL THEN 0 ELSE o.tax_units END) + coalesce(n.tax, 0), -coalesce(t.fee, 0),"
    "    CASE WHEN o.status = 'PENDING' THEN -o.credit_units ELSE 0 END)::text,"
    "  json_build_array(coalesce(l.gateway, 0), coalesce(l.tax, 0), coalesce(l.fees, 0), coalesce(l.held, 0))::text"
    " FROM orders AS o"
    " LEFT JOIN (SELECT order_id, sum(amount_units) FILTER (WHERE kind = 'CHARGE') AS charged,"
    "   sum(amount_units) FILTER (WHERE kind = 'REFUND') AS refunded, sum(fee_units) AS fee"
    "   FROM transactions WHERE tenant_id = %(tenant_id)s AND status = 'success' GROUP BY order_id"
    "  ) AS t ON t.order_id = o.id"
    " LEFT JOIN (SELECT i.order_id, sum(n.tax_units) AS tax FROM credit_notes AS n JOIN invoices AS i"
    "   ON i.tenant_id = n.tenant_id AND i.id = n.invoice_id WHERE n.tenant_id = %(tenant_id)s GROUP BY i.order_id"
    "  ) AS n ON n.order_id = o.id"
    " LEFT JOIN (SELECT e.order_id, sum(amount_units) FILTER (WHERE account = 'gateway') AS gateway,"
    "   sum(amount_units) FILTER (WHERE account = 'tax') AS tax,"
    "   sum(amount_units) FILTER (WHERE account = 'fees') AS fees,"
    "   sum(amount_units) FILTER (WHERE account = 'held_credit') AS held"
    "   FROM journal_entries AS e JOIN journal_lines AS l ON l.tenant_id = e.tenant_id AND l.entry_id = e.id"
    "   WHERE e.tenant_id = %(tenant_id)s GROUP BY e.order_id"
    "  ) AS l ON l.order_id = o.id"
    " WHERE o.tenant_id = %(tenant_id)s",
    # Every entry comes to zero.
    "SELECT 'journal entry in ' || currency, entry_id::text, '0', sum(amount_units)::text"
    " FROM journal_lines WHERE tenant_id = %(tenant_id)s GROUP BY entry_id, currency",
    # Nobody has less than no credit.
    "SELECT 'credit of customer in ' || currency, customer_id::text,"
    "  greatest(-sum(amount_units), 0)::text, (-sum(amount_units))::text"
    " FROM journal_lines WHERE tenant_id = %(tenant_id)s AND account = 'customer_credit'"
    " GROUP BY customer_id, currency",
    # Numbers have no gaps.
    "SELECT 'numbers of ' || kind, '', json_build_array(count, count)::text,"
    "  json_build_array(highest, kept)::text FROM ("
    "  SELECT 'invoices' AS kind, count(number) AS count, coalesce(max(number), 0) AS highest,"
    "    coalesce((SELECT invoices FROM books WHERE tenant_id = %(tenant_id)s), 0) AS kept"
    "   FROM invoices WHERE tenant_id = %(tenant_id)s"
    "  UNION ALL SELECT 'credit notes', count(*), coalesce(max(number), 0),"
    "    coalesce((SELECT credit_notes FROM books WHERE tenant_id = %(tenant_id)s), 0)"
    "   FROM credit_notes WHERE tenant_id = %(tenant_id)s) AS numbered",
    # Tallies are counts.
    "SELECT 'count of ' || list, status, sum(counted)::text, sum(kept)::text FROM ("
    "  SELECT 'orders' AS list, status, count(*) AS counted, 0 AS kept FROM orders WHERE tenant_id = %(tenant_id)s"
    "   GROUP BY status"
    "  UNION ALL SELECT 'transactions', status, count(*), 0 FROM transactions WHERE tenant_id = %(tenant_id)s"
    "   GROUP BY status"
    "  UNION ALL SELECT list, status, 0, count FROM status_tallies WHERE tenant_id = %(tenant_id)s"
    ") AS both_sides GROUP BY list, status",
)


async def list_differences(tx: Tx, question: int) -> list[Difference]:
    """Return what differs by one of the questions, up to a limit."""
    return await tx.rows(
        Difference,
        "SELECT what, id, expected, found FROM (" + QUESTIONS[question] + ") AS answer (what, id, expected, found)"
        " WHERE expected IS DISTINCT FROM found LIMIT %(limit)s",
        {"tenant_id": tx.tenant_id, "limit": LIMIT},
    )


async def list_invoices_after(tx: Tx, number: int, limit: int) -> list[Invoice]:
    """Return issued invoices with higher numbers than this, in their order."""
    return await tx.decoded(
        list[Invoice],
        "SELECT coalesce(json_agg(invoice), '[]') FROM (SELECT id, number, status, order_id, customer_id,"
        "  subscription_id, currency, lines, subtotal_units, discount_units, tax_units, total_units, credit_units,"
        "  '{}'::json AS buyer, '{}'::json AS seller, opened_at, paid_at, created_at, modified_at FROM invoices"
        "  WHERE tenant_id = %s AND number > %s ORDER BY number LIMIT %s) AS invoice",
        (tx.tenant_id, number, limit),
    )


async def list_notes_of(tx: Tx, first: int, last: int) -> dict[str, list[list[Taken]]]:
    """Return the lines of all credit notes of the invoices with these numbers, by invoice, in their order."""
    return await tx.decoded(
        dict[str, list[list[Taken]]],
        "SELECT coalesce(json_object_agg(invoice_id, notes), '{}') FROM (SELECT n.invoice_id,"
        "  json_agg(n.lines ORDER BY n.number) AS notes FROM credit_notes AS n JOIN invoices AS i"
        "   ON i.tenant_id = n.tenant_id AND i.id = n.invoice_id"
        "  WHERE n.tenant_id = %s AND i.number BETWEEN %s AND %s GROUP BY n.invoice_id) AS noted",
        (tx.tenant_id, first, last),
    )
