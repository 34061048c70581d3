"""What money costs the database: so many statements, and no list that reads all there is."""

import re
from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from kelviq_server.platform import narrowing
from kelviq_server.platform.database import Tx, reading, transaction
from tests.api import money
from tests.api.conftest import Client
from tests.conftest import TEMPLATE
from tests.make import Made
from tests.statements import counting

# A tenant that has so much that it matters how a list is planned.
MANY: tuple[LiteralString, ...] = (
    "INSERT INTO customers (tenant_id, id, external_id, email, created_at, modified_at)"
    " SELECT %(tenant_id)s, gen_random_uuid(), 'many-' || n, n || '@example.com', now(), now()"
    " FROM generate_series(1, 5000) AS n",
    "INSERT INTO payment_methods (tenant_id, customer_id, gateway, gateway_method, method_type, method_data,"
    "  is_default, status, created_at, modified_at)"
    " SELECT tenant_id, id, 'sandbox', 'x', 'card', '{}', true, 'succeeded', now(), now() FROM customers"
    " WHERE tenant_id = %(tenant_id)s AND external_id LIKE 'many-%%'",
    "INSERT INTO invoices SELECT (jsonb_populate_record(invoices, jsonb_build_object('id', 'INV-' || n, 'number', n,"
    "  'order_id', null))).* FROM invoices, generate_series(2, 5000) AS n WHERE tenant_id = %(tenant_id)s",
    "ANALYZE customers, payment_methods, invoices",
)


@pytest.fixture
async def charge(api: Client) -> dict[str, str]:
    """A first charge, so that everything is there that a second one finds."""
    await money.once(api)
    await money.customer(api)
    return await money.charged(api)


async def test_nobody_adds_a_statement_to_a_charge_unnoticed(api: Client, charge: dict[str, str]) -> None:
    async with counting() as ran:
        await money.charged(api)
        assert len(ran) == 39, ran


async def test_the_invoice_number_is_taken_late(api: Client, charge: dict[str, str]) -> None:
    """Whoever takes it keeps the tenant's other sales waiting, so little is left to do."""
    async with counting() as ran:
        await money.charged(api)
        [taken] = [place for place, statement in enumerate(ran) if "INSERT INTO books" in statement]
        after = [" ".join(statement.split()[:3]) for statement in ran[taken + 1 :]]
    assert after == ["UPDATE transactions SET", "WITH entry AS", "INSERT INTO outbox"]


async def test_nobody_adds_a_statement_to_a_refund_unnoticed(api: Client, charge: dict[str, str]) -> None:
    async with counting() as ran:
        refund = await api.post("/refunds/", {"orderId": charge["orderId"], "amount": 9})
        assert len(ran) == 38, ran
    assert refund.json()["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        # The list, its products, its plans, its licences.
        ("/orders/", 4),
        ("/orders/?status=COMPLETE", 4),
        # How it is planned, too.
        ("/orders/?search=nobody", 5),
        # The clock and the orders, too.
        ("/transaction/", 6),
        ("/refunds/", 6),
        ("/invoices/", 1),
    ],
)
async def test_nobody_adds_a_statement_to_a_list_unnoticed(
    api: Client, charge: dict[str, str], path: str, statements: int
) -> None:
    await api.post("/refunds/", {"orderId": charge["orderId"], "amount": 9})
    await api.get(path)
    async with counting() as ran:
        assert (await api.get(path)).status_code == 200
        assert len(ran) == statements, ran


@pytest.mark.parametrize(
    ("path", "walked", "looked_up"),
    [
        ("/orders/", "orders_listed", "orders_pkey"),
        ("/orders/?page=last", "orders_listed", "orders_pkey"),
        # Which of its two indexes serves a status depends on how many orders have it.
        ("/orders/?status=COMPLETE", r"orders_(by_status|listed)", "orders_pkey"),
        ("/transaction/", "transactions_listed", "transactions_pkey"),
        ("/transaction/?status=success", r"transactions_(by_status|listed)", "transactions_pkey"),
        ("/invoices/", "invoices_listed", "invoices_pkey"),
    ],
)
async def test_a_page_walks_an_index_and_looks_up_its_rows_alone(
    api: Client, untouched: str, charge: dict[str, str], path: str, walked: str, looked_up: str
) -> None:
    async with counting() as ran:
        await api.get(path)
        [listing] = [statement for statement in ran if "chosen" in statement]
    lines = plan_of(untouched, listing)
    [limit] = [
        place for place, line in enumerate(lines) if line.startswith("Limit") and "CTE chosen" in lines[place - 1]
    ]
    scans = [line for line in lines[limit:] if re.search(r"Scan.* (orders|transactions|invoices)\b", line)]
    assert re.search(rf"Scan Backward using {walked}\b", scans[0])
    assert "Sort" not in "".join(lines[limit : lines.index(scans[0])])
    assert f"using {looked_up}" in scans[1]
    assert "id = ANY" in lines[lines.index(scans[1]) + 1]


@pytest.mark.parametrize(
    ("path", "looked_up"),
    [
        ("/payment-methods/?customer_id=ada", ("payment_methods_by_customer", "customers_tenant_id_external_id_key")),
        ("/payment-methods/?customer_email=a@example.com", ("payment_methods_by_customer", "customers_by_email")),
        ("/invoices/?order_id=ORD-1", ("invoices_by_order",)),
    ],
)
async def test_of_one_customer_or_order_nothing_else_is_read(
    api: Client, made: Made, charge: dict[str, str], path: str, looked_up: tuple[str, ...]
) -> None:
    """An index that is asked for the tenant alone would read all that the tenant has."""
    async with counting() as ran:
        await api.get(path)
        [listing] = [statement for statement in ran if "chosen" in statement]
    async with transaction(made.sandbox) as tx, tx.connection.transaction(force_rollback=True):
        for statement in MANY:
            await tx.connection.execute(statement, {"tenant_id": tx.tenant_id})
        lines = await explained(tx, listing)
    for index in looked_up:
        [place] = [place for place, line in enumerate(lines) if f"using {index} " in line]
        assert re.match(r"Index Cond: \(\(tenant_id = .*\) AND \(", lines[place + 1]), lines


@pytest.fixture
def untouched(admin_conninfo: str, worker_id: str) -> Iterator[str]:
    """A database of which no statistics say that its tables are small, however long the tests have run."""
    name = Identifier(f"kelviq_plans_{worker_id}")
    with psycopg.connect(admin_conninfo, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(name, Identifier(TEMPLATE)))
        yield make_conninfo(admin_conninfo, dbname=f"kelviq_plans_{worker_id}")
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def plan_of(conninfo: str, statement: str) -> list[str]:
    """Return the lines of the plan that a session makes once for all values, for tables that are not small."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        rows = connection.execute(explaining(statement)).fetchall()  # pyright: ignore
    return [row[0].strip(" ->") for row in rows]


async def explained(tx: Tx, statement: str) -> list[str]:
    """Return the lines of the plan that a session makes once for all values."""
    rows = await (await tx.connection.execute(explaining(statement))).fetchall()  # pyright: ignore
    return [row[0].strip(" ->") for row in rows]


def explaining(statement: str) -> str:
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda name: f"${names.index(name[1]) + 1}", statement)
    return f"EXPLAIN (GENERIC_PLAN) {numbered}"


async def test_a_search_finds_what_the_index_narrows_and_what_it_does_not(api: Client, made: Made) -> None:
    await money.once(api)
    for name in ("Ada Lovelace", "Grace Hopper", "Grete Hermann"):
        id = await money.customer(api, customer_id=name.split()[1].lower(), name=name)
        charge, *_ = [await money.charged(api, customer_id=id) for _ in range(3)]
        await api.post("/refunds/", {"orderId": charge["orderId"], "amount": 9})
    async with reading(made.sandbox) as tx:
        await tx.execute("ANALYZE orders, transactions, refunds")
    narrowing._COMMON.clear()
    for search, people in (
        ("lovelace", 1),
        ("hopper grace", 1),
        ('"grete herm"', 1),
        ("customer", 0),
        ("hopper lovelace", 0),
    ):
        assert (await api.get("/orders/", params={"search": search})).json()["count"] == 3 * people, search
        assert (await api.get("/transaction/", params={"search": search})).json()["count"] == 4 * people, search
        assert (await api.get("/refunds/", params={"search": search})).json()["count"] == people, search
    assert (await money.one(api, f"/orders/?search={charge['orderId']}"))["id"] == charge["orderId"]
