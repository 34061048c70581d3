"""What `verify` asks about subscriptions: each selects what, id, expected and found, by the tenant's id."""

from typing import Final, LiteralString

QUESTIONS: Final[tuple[LiteralString, ...]] = (
    # Tallies are counts; those that wait are few, and are not tallied.
    "SELECT 'count of subscriptions', status, sum(counted)::text, sum(kept)::text FROM ("
    "  SELECT status, count(*) AS counted, 0 AS kept FROM subscriptions WHERE tenant_id = %(tenant_id)s"
    "   AND status <> 'incomplete' GROUP BY status"
    "  UNION ALL SELECT status, 0, count FROM status_tallies WHERE tenant_id = %(tenant_id)s AND list = 'subscriptions'"
    ") AS both_sides GROUP BY status",
    # A customer has as many active subscriptions as are counted.
    "SELECT 'active subscriptions of customer', c.id::text, count(s.id)::text, c.active_subscriptions::text"
    " FROM customers AS c LEFT JOIN subscriptions AS s ON s.tenant_id = c.tenant_id AND s.customer_id = c.id"
    "  AND s.billing_type = 'SUBSCRIPTION' AND s.status IN ('trialing', 'active', 'past_due')"
    " WHERE c.tenant_id = %(tenant_id)s GROUP BY c.tenant_id, c.id",
    # What is owed, or is not any more: an issued invoice of an order that is still open.
    "SELECT 'owed for subscription', s.id::text, (s.owing_since IS NOT NULL)::text, (count(i.id) > 0)::text"
    " FROM subscriptions AS s LEFT JOIN orders AS o ON o.tenant_id = s.tenant_id AND o.lineage_id = s.lineage_id"
    "  AND o.status = 'PENDING' AND o.collection = 'until_paid'"
    " LEFT JOIN invoices AS i ON i.tenant_id = o.tenant_id AND i.id = o.invoice_id AND i.number IS NOT NULL"
    " WHERE s.tenant_id = %(tenant_id)s AND s.status IN ('trialing', 'active', 'past_due')"
    " GROUP BY s.tenant_id, s.id",
    # Of what has ended nothing is open, but for what somebody will ask about: the gateway, the clock, the sweep.
    "SELECT 'open order of ended subscription', o.id, '0', '1' FROM subscriptions AS s JOIN orders AS o"
    "  ON o.tenant_id = s.tenant_id AND o.lineage_id = s.lineage_id AND o.status = 'PENDING'"
    " WHERE s.tenant_id = %(tenant_id)s AND s.status = 'canceled' AND s.due_at IS NULL"
    "  AND NOT EXISTS (SELECT FROM payment_attempts AS a WHERE a.tenant_id = o.tenant_id AND a.subject = o.id"
    "   AND a.status = 'pending' AND NOT a.is_on_session)",
    # The period of whatever was renewed has its order, unless what was credited came to more.
    "SELECT 'order of the period of subscription', s.id::text, 'one', CASE WHEN EXISTS (SELECT FROM orders AS o"
    "   WHERE o.tenant_id = s.tenant_id AND o.lineage_id = s.lineage_id AND o.period_start = s.period_start"
    "  ) OR EXISTS (SELECT FROM invoices AS i WHERE i.tenant_id = s.tenant_id AND i.customer_id = s.customer_id"
    "   AND i.subscription_id = s.id AND i.order_id IS NULL) THEN 'one' ELSE 'none' END"
    " FROM subscriptions AS s WHERE s.tenant_id = %(tenant_id)s AND s.status IN ('active', 'past_due')"
    "  AND s.period_index > 0 AND s.predecessor_id IS NULL",
)
