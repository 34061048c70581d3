"""All SQL about customers. The shape of the list statements is explained in docs/adr/0004."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Raw

from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import folded_fields
from kelviq_server.customers.records import Customer, CustomerEdit, CustomerPage, NewCustomer
from kelviq_server.platform.database import Tx
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.narrowing import narrowing_patterns

_COLUMNS: LiteralString = (
    "id, seq, external_id, name, email, details::text AS details, metadata::text AS metadata,"
    " billing_address::text AS billing_address, active_subscriptions, created_at, modified_at, document"
)


async def get_customer(tx: Tx, external_id: str) -> Customer:
    """Return a customer by the merchant's id; raises NotFound, for an archived one too."""
    return _found(await tx.row(Customer, _SELECT_ONE, (tx.tenant_id, external_id)))


async def find_customer(tx: Tx, external_id: str) -> Customer | None:
    """Return a customer by the merchant's id, or None; an archived one is none."""
    return await tx.row(Customer, _SELECT_ONE, (tx.tenant_id, external_id))


async def lock_customer(tx: Tx, external_id: str) -> Customer:
    """Return a customer whom nobody else changes until this transaction ends; raises NotFound."""
    return _found(await tx.row(Customer, _SELECT_ONE + " FOR NO KEY UPDATE", (tx.tenant_id, external_id)))


async def lock_by_id(tx: Tx, id: UUID) -> None:
    """Let nobody else change a customer until this transaction ends, an archived one too."""
    await tx.execute("SELECT FROM customers WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE", (tx.tenant_id, id))


async def lock_shared(tx: Tx, ids: Collection[UUID]) -> None:
    """Let nobody change these customers until this transaction ends; others may share them meanwhile."""
    await tx.execute(
        "SELECT FROM customers WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR SHARE", (tx.tenant_id, list(ids))
    )


async def lock_known(tx: Tx, id: UUID) -> Customer:
    """Return a customer by our own id, an archived one too, whom nobody else changes until this transaction ends."""
    return _found(
        await tx.row(
            Customer,
            "SELECT " + _COLUMNS + " FROM customers WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE",
            (tx.tenant_id, id),
        )
    )


async def list_by_id(tx: Tx, ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Return the customers who have these ids of ours, archived ones too, by id."""
    found = await tx.rows(
        Customer,
        "SELECT " + _COLUMNS + " FROM customers WHERE tenant_id = %s AND id = ANY(%s)",
        (tx.tenant_id, list(ids)),
    )
    return {customer.id: customer for customer in found}


async def has_customer(tx: Tx, external_id: str) -> bool:
    """Say whether there is a customer with the merchant's id; an archived one is none."""
    return await tx.value("SELECT EXISTS (" + _SELECT_ONE + ")", (tx.tenant_id, external_id))


async def find_id(tx: Tx, external_id: str) -> UUID | None:
    """Return our id of the customer with the merchant's id, an archived one too."""
    return await tx.value(
        "SELECT id FROM customers WHERE tenant_id = %s AND external_id = %s", (tx.tenant_id, external_id)
    )


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
        "WITH arriving AS MATERIALIZED ("
        "  SELECT * FROM json_to_recordset(%(arriving)s::json) AS row (place integer, id uuid, external_id text,"
        "    name text, email text, metadata json, billing_address json, details json, folded text)"
        "), added AS ("
        "  INSERT INTO customers (tenant_id, id, external_id, name, email, metadata, billing_address, details,"
        "    created_at, modified_at)"
        "  SELECT %(tenant_id)s, id, external_id, name, email, metadata, billing_address, details, %(now)s, %(now)s"
        "  FROM arriving ORDER BY place"
        "  ON CONFLICT (tenant_id, external_id) DO NOTHING RETURNING *"
        "), searchable AS ("
        "  INSERT INTO customer_search (tenant_id, seq, folded)"
        "  SELECT %(tenant_id)s, seq, folded FROM added JOIN arriving USING (id)"
        ") SELECT " + _COLUMNS + " FROM added ORDER BY seq",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            # One text costs a fraction of what eight arrays of parameters do.
            "arriving": dump([_arriving(tx, place, customer) for place, customer in enumerate(new)]),
        },
    )


def _arriving(tx: Tx, place: int, customer: NewCustomer) -> dict[str, Any]:
    return {
        "place": place,
        "id": new_id(tx.now),
        "external_id": customer.external_id,
        "name": customer.name,
        "email": customer.email,
        "metadata": None if customer.metadata is None else Raw(customer.metadata),
        "billing_address": None if customer.billing_address is None else Raw(customer.billing_address),
        "details": Raw(customer.details),
        "folded": folded_fields(customer.external_id, customer.name, customer.email),
    }


async def insert_copied(tx: Tx, new: Iterable[NewCustomer]) -> int:
    """Write very many customers, those listed first being the oldest, and return how many ids were free.

    Takes two thirds of the time of insert_customers: by COPY, and without handing the new rows back. Those have no
    details.
    """
    await tx.execute(
        "CREATE TEMPORARY TABLE arriving (place integer, id uuid, external_id text, name text, email text,"
        " metadata json, billing_address json, folded text)"
    )
    async with tx.connection.cursor() as cursor, cursor.copy("COPY arriving FROM STDIN") as copy:
        for place, customer in enumerate(new):
            columns = (customer.external_id, customer.name, customer.email, customer.metadata, customer.billing_address)
            await copy.write_row(
                (place, new_id(tx.now), *columns, folded_fields(customer.external_id, customer.name, customer.email))
            )
    added = await tx.execute(
        "WITH added AS ("
        "  INSERT INTO customers (tenant_id, id, external_id, name, email, metadata, billing_address,"
        "    created_at, modified_at)"
        "  SELECT %(tenant_id)s, id, external_id, name, email, metadata, billing_address, %(now)s, %(now)s"
        "  FROM arriving ORDER BY place"
        "  ON CONFLICT (tenant_id, external_id) DO NOTHING RETURNING id, seq"
        ") INSERT INTO customer_search (tenant_id, seq, folded)"
        " SELECT %(tenant_id)s, seq, folded FROM added JOIN arriving USING (id) ORDER BY seq",
        {"tenant_id": tx.tenant_id, "now": tx.now},
    )
    await tx.execute("DROP TABLE arriving")
    return added


async def find_last_external_id(tx: Tx, pattern: str) -> str | None:
    """Return the highest of the merchant's ids of this pattern, a regular expression; archived ones count too."""
    return await tx.value(
        "SELECT external_id FROM customers WHERE tenant_id = %s AND external_id ~ %s ORDER BY external_id DESC LIMIT 1",
        (tx.tenant_id, pattern),
    )


async def list_taken(tx: Tx, external_ids: Collection[str]) -> list[Customer]:
    """Return the customers who have these ids, archived ones too."""
    return await tx.rows(
        Customer,
        "SELECT " + _COLUMNS + " FROM customers WHERE tenant_id = %s AND external_id = ANY(%s)",
        (tx.tenant_id, list(external_ids)),
    )


async def update_customer(tx: Tx, customer: Customer, edit: CustomerEdit) -> Customer:
    """Write the new values of a locked customer and return it as it now is."""
    changed = await tx.row(
        Customer,
        "WITH searchable AS ("
        "  UPDATE customer_search SET folded = %(folded)s"
        "  WHERE tenant_id = %(tenant_id)s AND seq = %(seq)s AND folded <> %(folded)s"
        ") UPDATE customers SET name = %(name)s, email = %(email)s, metadata = %(metadata)s,"
        "  billing_address = %(billing_address)s, details = %(details)s, modified_at = %(now)s"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s RETURNING " + _COLUMNS,
        {
            "tenant_id": tx.tenant_id,
            "id": customer.id,
            "seq": customer.seq,
            "now": tx.now,
            "folded": folded_fields(customer.external_id, edit.name, edit.email),
            "name": edit.name,
            "email": edit.email,
            "metadata": edit.metadata,
            "billing_address": edit.billing_address,
            "details": edit.details,
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
    statement = LAST_PAGE if offset is None else LATER_PAGE if offset else FIRST_PAGE
    return await tx.page(CustomerPage, statement, {"tenant_id": tx.tenant_id, "offset": offset, "limit": limit})


FIRST_PAGE: LiteralString = """
    SELECT (SELECT coalesce(sum(count), 0) FROM customer_tallies WHERE tenant_id = %(tenant_id)s) AS count,
      coalesce(string_agg(document, ','), '') AS documents
    FROM (
      SELECT document FROM customers WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL
      ORDER BY seq DESC LIMIT %(limit)s
    ) AS listed
"""

# Jumps by the tally: whole blocks are skipped by their counts, and in the block in which the page begins
# the index is walked, without the rows. `below` is where that block ends, `inside` how far in the page begins.
LATER_PAGE: LiteralString = """
    WITH start AS MATERIALIZED (
      SELECT (block + 1) << 12 AS below, %(offset)s::bigint - reached + listed AS inside
      FROM (
        SELECT block, sum(count)::integer AS listed, sum(sum(count)::integer) OVER (ORDER BY block DESC) AS reached
        FROM customer_tallies WHERE tenant_id = %(tenant_id)s GROUP BY block
      ) AS running
      WHERE reached > %(offset)s::bigint AND listed > 0 ORDER BY block DESC LIMIT 1
    )
    SELECT (SELECT coalesce(sum(count), 0) FROM customer_tallies WHERE tenant_id = %(tenant_id)s) AS count,
      coalesce(string_agg(document, ','), '') AS documents
    FROM (
      SELECT document FROM customers
      WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL AND seq <= (
        SELECT seq FROM customers
        WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL AND seq < (SELECT below FROM start)
        ORDER BY seq DESC OFFSET (SELECT inside FROM start) LIMIT 1
      )
      ORDER BY seq DESC LIMIT %(limit)s
    ) AS listed
"""

# The oldest customers, as many as the pages before it leave over.
LAST_PAGE: LiteralString = """
    WITH total AS MATERIALIZED (
      SELECT coalesce(sum(count), 0)::bigint AS count FROM customer_tallies WHERE tenant_id = %(tenant_id)s
    )
    SELECT (SELECT count FROM total) AS count, coalesce(string_agg(document, ',' ORDER BY seq DESC), '') AS documents
    FROM (
      SELECT seq, document FROM customers WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL
      ORDER BY seq LIMIT (SELECT mod(greatest(count - 1, 0), %(limit)s::bigint) + 1 FROM total)
    ) AS listed
"""


async def search_customers(tx: Tx, terms: Sequence[str], offset: int | None, limit: int) -> CustomerPage:
    """Return a page of the customers in whom every term occurs, newest first, and how many there are.

    The index narrows where the terms have anything rare; without, the tenant's texts are walked.
    """
    narrowing = await narrowing_patterns(tx, "customer_search", terms)
    condition: LiteralString = " AND folded LIKE %s" * len(narrowing) + " AND strpos(folded, %s) > 0" * len(terms)
    return await tx.page(
        CustomerPage,
        "WITH hit AS MATERIALIZED (SELECT seq FROM customer_search WHERE tenant_id = %s" + condition + "),"
        " total AS MATERIALIZED (SELECT count(*) AS count FROM hit),"
        " page AS MATERIALIZED (SELECT seq FROM hit ORDER BY seq DESC OFFSET"
        "   (SELECT coalesce(%s::bigint, greatest(count - 1, 0) / %s::bigint * %s::bigint) FROM total) LIMIT %s)"
        " SELECT (SELECT count FROM total) AS count, coalesce(string_agg(document, ','), '') AS documents"
        " FROM (SELECT document FROM page JOIN customers USING (seq)"
        "   WHERE tenant_id = %s AND archived_at IS NULL ORDER BY seq DESC) AS listed",
        (tx.tenant_id, *narrowing, *terms, offset, limit, limit, limit, tx.tenant_id),
        plan_for_values=True,
    )


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


async def update_statistics(tx: Tx) -> None:
    """Let the planner look at the tables anew: after very many rows at once, its picture of them is wrong."""
    await tx.execute("ANALYZE (SKIP_LOCKED) customers, customer_search, customer_tallies")


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
