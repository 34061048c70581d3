"""All SQL about customers. The shape of the list statements is explained in docs/adr/0004."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import common_trigrams, narrowing_pattern
from kelviq_server.customers.records import Customer, CustomerEdit, CustomerPage, NewCustomer
from kelviq_server.customers.rules import searched_text
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.remembered import Remembered

_COLUMNS: LiteralString = (
    "id, seq, external_id, name, email, details::text AS details, metadata::text AS metadata,"
    " billing_address::text AS billing_address, active_subscriptions, created_at, modified_at, document"
)


async def get_customer(tx: Tx, external_id: str) -> Customer:
    """Return a customer by the merchant's id; raises NotFound, for an archived one too."""
    return _found(await tx.row(Customer, _SELECT_ONE, (tx.tenant_id, external_id)))


async def lock_customer(tx: Tx, external_id: str) -> Customer:
    """Return a customer whom nobody else changes until this transaction ends; raises NotFound."""
    return _found(await tx.row(Customer, _SELECT_ONE + " FOR UPDATE", (tx.tenant_id, external_id)))


_SELECT_ONE: LiteralString = (
    "SELECT " + _COLUMNS + " FROM customers WHERE tenant_id = %s AND external_id = %s AND archived_at IS NULL"
)


def _found(customer: Customer | None) -> Customer:
    if customer is None:
        raise NotFound
    return customer


async def insert_customers(tx: Tx, new: Sequence[NewCustomer]) -> list[Customer]:
    """Write customers, those listed first being the oldest, and return the ones whose id was free."""
    return await tx.rows(
        Customer,
        "WITH added AS ("
        "  INSERT INTO customers (tenant_id, id, external_id, name, email, metadata, billing_address,"
        "    created_at, modified_at)"
        "  SELECT %(tenant_id)s, id, external_id, name, email, metadata, billing_address, %(now)s, %(now)s"
        "  FROM unnest(%(ids)s::uuid[], %(external_ids)s::text[], %(names)s::text[], %(emails)s::text[],"
        "    %(metadata)s::json[], %(addresses)s::json[]) WITH ORDINALITY"
        "    AS new (id, external_id, name, email, metadata, billing_address, place) ORDER BY place"
        "  ON CONFLICT (tenant_id, external_id) DO NOTHING RETURNING *"
        "), searchable AS ("
        "  INSERT INTO customer_search (tenant_id, seq, folded)"
        "  SELECT %(tenant_id)s, seq, folded FROM added"
        "  JOIN unnest(%(ids)s::uuid[], %(folded)s::text[]) AS text (id, folded) USING (id)"
        ") SELECT " + _COLUMNS + " FROM added ORDER BY seq",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "ids": [new_id(tx.now) for _ in new],
            "external_ids": [customer.external_id for customer in new],
            "names": [customer.name for customer in new],
            "emails": [customer.email for customer in new],
            "metadata": [customer.metadata for customer in new],
            "addresses": [customer.billing_address for customer in new],
            "folded": [searched_text(customer, customer.external_id) for customer in new],
        },
    )


async def update_customer(tx: Tx, customer: Customer, edit: CustomerEdit) -> Customer:
    """Write the new values of a locked customer and return it as it now is."""
    changed = await tx.row(
        Customer,
        "WITH searchable AS ("
        "  UPDATE customer_search SET folded = %(folded)s"
        "  WHERE tenant_id = %(tenant_id)s AND seq = %(seq)s AND folded <> %(folded)s"
        ") UPDATE customers SET name = %(name)s, email = %(email)s, metadata = %(metadata)s,"
        "  billing_address = %(billing_address)s, modified_at = %(now)s"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s RETURNING " + _COLUMNS,
        {
            "tenant_id": tx.tenant_id,
            "id": customer.id,
            "seq": customer.seq,
            "now": tx.now,
            "folded": searched_text(edit, customer.external_id),
            "name": edit.name,
            "email": edit.email,
            "metadata": edit.metadata,
            "billing_address": edit.billing_address,
        },
    )
    return _found(changed)


async def update_archived(tx: Tx, customer: Customer) -> None:
    """Take a locked customer out of every list and search."""
    await tx.execute(
        "WITH searchable AS (DELETE FROM customer_search WHERE tenant_id = %(tenant_id)s AND seq = %(seq)s)"
        " UPDATE customers SET archived_at = %(now)s, modified_at = %(now)s"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {"tenant_id": tx.tenant_id, "id": customer.id, "seq": customer.seq, "now": tx.now},
    )


async def update_active_subscriptions(tx: Tx, id: UUID, change: int) -> None:
    """Count a customer's active subscriptions up or down."""
    await tx.execute(
        "UPDATE customers SET active_subscriptions = active_subscriptions + %s WHERE tenant_id = %s AND id = %s",
        (change, tx.tenant_id, id),
    )


async def list_customers(tx: Tx, offset: int | None, limit: int) -> CustomerPage:
    """Return a page, newest first; without an offset, the last one."""
    statement = FIRST_PAGE if offset == 0 else LATER_PAGE
    page = await tx.row(CustomerPage, statement, {"tenant_id": tx.tenant_id, "offset": offset, "limit": limit})
    assert page is not None
    return page


FIRST_PAGE: LiteralString = """
    SELECT (SELECT coalesce(sum(count), 0) FROM customer_tallies WHERE tenant_id = %(tenant_id)s) AS count,
      coalesce(string_agg(document, ','), '') AS documents
    FROM (
      SELECT document FROM customers WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL
      ORDER BY seq DESC LIMIT %(limit)s
    ) AS listed
"""

# Jumps by the tally: whole blocks are skipped by their counts, only the rows of the block in which
# the page begins are walked. `first` is the page's place in the list, `below` where its block ends.
LATER_PAGE: LiteralString = """
    WITH tally AS MATERIALIZED (
      SELECT block, sum(count) AS listed FROM customer_tallies WHERE tenant_id = %(tenant_id)s GROUP BY block
    ), total AS MATERIALIZED (
      SELECT coalesce(sum(listed), 0)::bigint AS count FROM tally
    ), page AS MATERIALIZED (
      SELECT coalesce(%(offset)s::bigint, greatest(count - 1, 0) / %(limit)s::bigint * %(limit)s::bigint) AS first
      FROM total
    ), start AS MATERIALIZED (
      SELECT (block + 1) << 12 AS below, reached - listed AS skipped
      FROM (SELECT block, listed, sum(listed) OVER (ORDER BY block DESC) AS reached FROM tally) AS running
      WHERE reached > (SELECT first FROM page) AND listed > 0 ORDER BY block DESC LIMIT 1
    )
    SELECT (SELECT count FROM total) AS count, coalesce(string_agg(document, ','), '') AS documents
    FROM (
      SELECT document FROM customers
      WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL AND seq < (SELECT below FROM start)
      ORDER BY seq DESC OFFSET (SELECT first - skipped FROM page, start) LIMIT %(limit)s
    ) AS listed
"""


async def search_customers(tx: Tx, terms: Sequence[str], offset: int | None, limit: int) -> CustomerPage:
    """Return a page of the customers in whom every term occurs, newest first, and how many there are."""
    common = await _COMMON_TRIGRAMS.get(partial(_find_common_trigrams, tx))
    narrowing = [narrowing_pattern(term, common) for term in terms]
    condition: LiteralString = " AND folded LIKE %s" * len(terms) + " AND strpos(folded, %s) > 0" * len(terms)
    page = await tx.row(
        CustomerPage,
        "WITH hit AS MATERIALIZED (SELECT seq FROM customer_search WHERE tenant_id = %s" + condition + "),"
        " total AS MATERIALIZED (SELECT count(*) AS count FROM hit),"
        " page AS MATERIALIZED (SELECT seq FROM hit ORDER BY seq DESC OFFSET"
        "   (SELECT coalesce(%s::bigint, greatest(count - 1, 0) / %s::bigint * %s::bigint) FROM total) LIMIT %s)"
        " SELECT (SELECT count FROM total) AS count, coalesce(string_agg(document, ','), '') AS documents"
        " FROM (SELECT document FROM page JOIN customers USING (seq)"
        "   WHERE tenant_id = %s AND archived_at IS NULL ORDER BY seq DESC) AS listed",
        (tx.tenant_id, *narrowing, *terms, offset, limit, limit, limit, tx.tenant_id),
    )
    assert page is not None
    return page


# The planner's own sample of the searched texts tells which trigrams nearly all of them have.
_COMMON_TRIGRAMS: Remembered[frozenset[str]] = Remembered(seconds=300, empty_seconds=10)


async def _find_common_trigrams(tx: Tx) -> frozenset[str]:
    samples = await tx.value(
        "SELECT histogram_bounds::text::text[] FROM pg_stats WHERE tablename = 'customer_search'"
        " AND schemaname = current_schema() AND attname = 'folded'"
    )
    return common_trigrams(samples or [])


async def fold_tallies(tx: Tx, limit: int = 500) -> int:
    """Add up the slots of finished blocks, for all tenants, and return how many blocks that were.

    Exact at any moment: the rows that vanish and the row that takes their sum change in one statement.
    """
    return await tx.execute(
        "WITH finished AS ("
        "  SELECT tenant_id, block FROM customer_tallies"
        "  WHERE block < (SELECT max(block) FROM customer_tallies)"
        "  GROUP BY tenant_id, block HAVING count(*) > 1 LIMIT %s"
        "), taken AS ("
        "  DELETE FROM customer_tallies USING finished"
        "  WHERE customer_tallies.tenant_id = finished.tenant_id"
        "    AND customer_tallies.block = finished.block AND slot > 0"
        "  RETURNING customer_tallies.tenant_id, customer_tallies.block, customer_tallies.count"
        ") INSERT INTO customer_tallies AS t (tenant_id, block, slot, count)"
        " SELECT tenant_id, block, 0, sum(count) FROM taken GROUP BY tenant_id, block"
        " ON CONFLICT (tenant_id, block, slot) DO UPDATE SET count = t.count + excluded.count",
        (limit,),
    )


async def stream_customers(tx: Tx, batch: int = 2000) -> AsyncIterator[list[Customer]]:
    """Yield all listed customers, oldest first."""
    after = -1
    while True:
        customers = await tx.rows(
            Customer,
            "SELECT " + _COLUMNS + " FROM customers"
            " WHERE tenant_id = %s AND archived_at IS NULL AND seq > %s ORDER BY seq LIMIT %s",
            (tx.tenant_id, after, batch),
        )
        if not customers:
            return
        yield customers
        after = customers[-1].seq
