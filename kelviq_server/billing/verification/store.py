"""All SQL of verification. Each question is one statement, so that it holds while others write."""

from typing import Final, LiteralString

from kelviq_server.billing.invoices.records import Invoice, Taken
from kelviq_server.billing.verification.records import Difference
from kelviq_server.platform.database import Tx

LIMIT: Final = 100

# Every line that the journal should have of orders: what was paid, given back, held and released.
JOURNAL_OF_ORDERS: LiteralString = (
    "SELECT line.kind, o.id AS order_id, line.transaction_id, account, o.currency,"
    "  CASE WHEN account IN ('customer_credit', 'held_credit') THEN o.customer_id END AS customer_id, units"
    " FROM orders AS o CROSS JOIN LATERAL ("
    "  SELECT 'payment' AS kind, t.id AS transaction_id, account, units FROM (SELECT) AS once"
    "   LEFT JOIN transactions AS t ON t.tenant_id = o.tenant_id AND t.order_id = o.id AND t.kind = 'CHARGE'"
    "    AND t.status = 'success'"
    "   CROSS JOIN LATERAL (VALUES ('gateway', coalesce(t.amount_units, 0)), ('held_credit', o.credit_units),"
    "    ('tax', -o.tax_units), ('fees', -coalesce(t.fee_units, 0)),"
    "    ('merchant', o.tax_units + coalesce(t.fee_units, 0) - o.total_units)) AS part (account, units)"
    "   WHERE o.paid_at IS NOT NULL"
    "  UNION ALL SELECT 'refund', t.id, account, units FROM transactions AS t JOIN credit_notes AS n"
    "    ON n.tenant_id = t.tenant_id AND n.refund_id = t.refund_id"
    "   CROSS JOIN LATERAL (VALUES ('gateway', -n.total_units), ('tax', n.tax_units), ('merchant', n.net_units)"
    "    ) AS part (account, units)"
    "   WHERE t.tenant_id = o.tenant_id AND t.order_id = o.id AND t.kind = 'REFUND' AND t.status = 'success'"
    "  UNION ALL SELECT 'credit_held', NULL, account, units FROM (VALUES ('customer_credit', o.credit_units),"
    "    ('held_credit', -o.credit_units)) AS part (account, units)"
    "  UNION ALL SELECT 'credit_released', NULL, account, units FROM (VALUES ('customer_credit', -o.credit_units),"
    "    ('held_credit', o.credit_units)) AS part (account, units) WHERE o.status = 'FAILED'"
    " ) AS line WHERE o.tenant_id = %(tenant_id)s"
)
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
    # One customer and one currency from the order to the last of its papers.
    "SELECT 'customer and currency of order', o.id, json_build_array(o.customer_id, o.currency)::text,"
    "  json_build_array(other.customer_id, other.currency)::text FROM orders AS o JOIN ("
    "   SELECT order_id, customer_id, currency FROM invoices WHERE tenant_id = %(tenant_id)s"
    "   UNION SELECT t.order_id, o.customer_id, t.currency FROM transactions AS t JOIN orders AS o"
    "     ON o.tenant_id = t.tenant_id AND o.id = t.order_id WHERE t.tenant_id = %(tenant_id)s"
    "   UNION SELECT t.order_id, o.customer_id, a.currency FROM transactions AS t JOIN payment_attempts AS a"
    "     ON a.tenant_id = t.tenant_id AND a.id = t.id JOIN orders AS o ON o.tenant_id = t.tenant_id"
    "     AND o.id = t.order_id WHERE t.tenant_id = %(tenant_id)s"
    "   UNION SELECT r.order_id, r.customer_id, o.currency FROM refunds AS r JOIN orders AS o"
    "     ON o.tenant_id = r.tenant_id AND o.id = r.order_id WHERE r.tenant_id = %(tenant_id)s"
    "   UNION SELECT i.order_id, i.customer_id, n.currency FROM credit_notes AS n JOIN invoices AS i"
    "     ON i.tenant_id = n.tenant_id AND i.id = n.invoice_id WHERE n.tenant_id = %(tenant_id)s"
    "   UNION SELECT order_id, customer_id, currency FROM discount_redemptions WHERE tenant_id = %(tenant_id)s"
    "  ) AS other ON other.order_id = o.id WHERE o.tenant_id = %(tenant_id)s",
    # An order's status is what its amounts say.
    "SELECT 'status of order', o.id, CASE WHEN o.paid_at IS NULL THEN 'not paid'"
    "   WHEN o.refunded_units = 0 THEN 'COMPLETE' WHEN o.refunded_units = o.paid_units THEN 'REFUNDED'"
    "   ELSE 'PARTIAL_REFUND' END,"
    "  CASE WHEN o.status IN ('PENDING', 'FAILED', 'CANCELLED') THEN 'not paid' ELSE o.status END"
    " FROM orders AS o WHERE o.tenant_id = %(tenant_id)s AND o.status <> 'FRAUDULENT'",
    # The tax of a transaction is that of the order, or of the credit note.
    "SELECT 'tax of transaction', t.id::text, (CASE WHEN t.status <> 'success' THEN 0 WHEN t.kind = 'CHARGE'"
    "   THEN o.tax_units ELSE -n.tax_units END)::text, t.tax_units::text"
    " FROM transactions AS t JOIN orders AS o ON o.tenant_id = t.tenant_id AND o.id = t.order_id"
    " LEFT JOIN credit_notes AS n ON n.tenant_id = t.tenant_id AND n.refund_id = t.refund_id"
    " WHERE t.tenant_id = %(tenant_id)s AND t.kind IN ('CHARGE', 'REFUND')",
    # Every attempt has its transaction.
    "SELECT 'transaction of attempt', a.id::text, '1', count(t.id)::text FROM payment_attempts AS a"
    " LEFT JOIN transactions AS t ON t.tenant_id = a.tenant_id AND t.id = a.id"
    " WHERE a.tenant_id = %(tenant_id)s GROUP BY a.id",
    # What a discount took off is what the order says, while the order is not lost.
    "SELECT 'redemption by order', o.id, o.discount_units::text, sum(r.amount_units)::text FROM orders AS o"
    " JOIN discount_redemptions AS r ON r.tenant_id = o.tenant_id AND r.order_id = o.id"
    " WHERE o.tenant_id = %(tenant_id)s GROUP BY o.tenant_id, o.id",
    # What was charged in each currency.
    "SELECT 'sold in', currency, sum(charged)::text, sum(kept)::text FROM ("
    "  SELECT currency, amount_units AS charged, 0 AS kept FROM transactions WHERE tenant_id = %(tenant_id)s"
    "   AND kind = 'CHARGE' AND status = 'success'"
    "  UNION ALL SELECT currency, 0, amount_units FROM sold_amounts WHERE tenant_id = %(tenant_id)s"
    " ) AS both_sides GROUP BY currency",
    # Each entry of an order has the lines that its kind, its order and its transaction come to.
    "SELECT 'journal entry (' || coalesce(expected.kind, found.kind) || ')',"
    "  coalesce(expected.order_id, found.order_id), coalesce(expected.lines, 'none'), coalesce(found.lines, 'none')"
    " FROM ("
    "   SELECT kind, order_id, transaction_id, string_agg(concat_ws(' ', account, currency, customer_id, units), ', '"
    "      ORDER BY account, units) AS lines FROM (" + JOURNAL_OF_ORDERS + ") AS line WHERE units <> 0"
    "    GROUP BY kind, order_id, transaction_id"
    "  ) AS expected FULL JOIN ("
    "   SELECT e.kind, e.order_id, e.transaction_id, string_agg(concat_ws(' ', account, currency, customer_id,"
    "      amount_units), ', ' ORDER BY account, amount_units) AS lines"
    "    FROM journal_entries AS e JOIN journal_lines AS l ON l.tenant_id = e.tenant_id AND l.entry_id = e.id"
    "    WHERE e.tenant_id = %(tenant_id)s AND e.kind NOT IN ('credit_granted', 'credit_invoiced')"
    "    GROUP BY e.id, e.kind, e.order_id, e.transaction_id"
    "  ) AS found ON found.kind = expected.kind AND found.order_id = expected.order_id"
    "   AND coalesce(found.transaction_id::text, '') = coalesce(expected.transaction_id::text, '')",
    # Every entry comes to zero; what is granted concerns the merchant and one customer alone.
    "SELECT 'journal entry in ' || currency, entry_id::text, '0', sum(amount_units)::text"
    " FROM journal_lines WHERE tenant_id = %(tenant_id)s GROUP BY entry_id, currency",
    "SELECT 'granted credit', e.id::text, 'customer_credit, merchant', string_agg(account, ', ' ORDER BY account)"
    " FROM journal_entries AS e JOIN journal_lines AS l ON l.tenant_id = e.tenant_id AND l.entry_id = e.id"
    " WHERE e.tenant_id = %(tenant_id)s AND e.kind = 'credit_granted' GROUP BY e.id",
    # An invoice of less than nothing is credit, with its tax, and no other is.
    "SELECT 'credit of invoice', coalesce(expected.id, found.id), coalesce(expected.lines, 'none'),"
    "  coalesce(found.lines, 'none') FROM ("
    "   SELECT i.id, string_agg(concat_ws(' ', account, i.currency, part.customer_id, units), ', '"
    "     ORDER BY account, units) AS lines FROM invoices AS i CROSS JOIN LATERAL (VALUES"
    "     ('tax', -tax_units, NULL), ('merchant', tax_units - total_units, NULL),"
    "     ('customer_credit', total_units, i.customer_id)) AS part (account, units, customer_id)"
    "    WHERE i.tenant_id = %(tenant_id)s AND i.order_id IS NULL AND i.status = 'PAID' AND units <> 0 GROUP BY i.id"
    "  ) AS expected FULL JOIN ("
    "   SELECT e.invoice_id AS id, string_agg(concat_ws(' ', account, currency, customer_id, amount_units), ', '"
    "     ORDER BY account, amount_units) AS lines"
    "    FROM journal_entries AS e JOIN journal_lines AS l ON l.tenant_id = e.tenant_id AND l.entry_id = e.id"
    "    WHERE e.tenant_id = %(tenant_id)s AND e.kind = 'credit_invoiced' GROUP BY e.invoice_id"
    "  ) AS found ON found.id = expected.id",
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
    "   AND list IN ('orders', 'transactions')"
    ") AS both_sides GROUP BY list, status",
)


async def update_timeout(tx: Tx) -> None:
    """Let the statements of this transaction take as long as they need: books can be large."""
    await tx.execute("SET LOCAL statement_timeout = 0")


async def list_differences(tx: Tx, question: LiteralString) -> list[Difference]:
    """Return what differs by a question, up to a limit."""
    return await tx.rows(
        Difference,
        "SELECT what, id, expected, found FROM (" + question + ") AS answer (what, id, expected, found)"
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
