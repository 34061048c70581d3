"""Counts and pages stay exact whatever happens, and a search is what a plain filter would be."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kelviq_server.core.search import fold, terms
from kelviq_server.customers import store
from kelviq_server.customers.actions.archive_customer import archive_customer
from kelviq_server.customers.actions.fold_tallies import fold_tallies
from kelviq_server.customers.records import NewCustomer
from kelviq_server.platform.database import Tenant, reading, transaction
from tests import make
from tests.make import Made

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def page_of(tenant: Tenant, offset: int | None, limit: int) -> tuple[int, list[str]]:
    async with reading(tenant) as tx:
        page = await store.list_customers(tx, offset, limit)
    return page.count, [document["customerId"] for document in json.loads(b"[%b]" % page.documents)]


async def skip_ahead(tenant: Tenant, numbers: int) -> None:
    """Let other tenants take so many numbers, so that the next customer falls into a later block."""
    async with transaction(tenant) as tx:
        await tx.execute(
            "SELECT setval(pg_get_serial_sequence('customers', 'seq'),"
            " nextval(pg_get_serial_sequence('customers', 'seq')) + %s)",
            (numbers,),
        )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(1, 4)),
        st.tuples(st.just("archive"), st.integers(0, 100)),
        st.tuples(st.just("skip"), st.sampled_from([1, 4095, 4096, 10_000])),
        st.tuples(st.just("fold"), st.just(0)),
    ),
    max_size=25,
)


@SLOW
@given(steps, st.integers(1, 5))
async def test_any_interleaving_keeps_count_and_pages(pool: None, steps: list[tuple[str, int]], size: int) -> None:
    tenant = (await make.organization()).sandbox
    listed: list[str] = []
    for step, number in steps:
        if step == "create":
            for _ in range(number):
                listed.insert(0, (await make.customer(tenant)).external_id)
        elif step == "archive" and listed:
            await archive_customer(tenant, listed.pop(number % len(listed)))
        elif step == "skip":
            await skip_ahead(tenant, number)
        elif step == "fold":
            await fold_tallies()
    for offset in range(0, len(listed) + 1, size):
        assert await page_of(tenant, offset, size) == (len(listed), listed[offset : offset + size])
    last = (max(len(listed), 1) - 1) // size * size
    assert await page_of(tenant, None, size) == (len(listed), listed[last:])


async def test_the_count_is_never_wrong_under_concurrent_writes(made: Made) -> None:
    tenant = made.sandbox
    writing = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(30):
            customer = await make.customer(tenant, external_id=f"{writer}-{number}")
            if number % 3 == 0:
                await archive_customer(tenant, customer.external_id)

    async def watch() -> int:
        looks = 0
        while not writing.is_set():
            for offset in (0, None):
                count, ids = await page_of(tenant, offset, 10_000)
                assert count == len(ids), "the count is not that of the same moment"
                looks += 1
            await fold_tallies()
        return looks

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(write(writer) for writer in range(16)))
    writing.set()
    assert await watcher > 0
    assert (await page_of(tenant, 0, 1))[0] == 16 * 20


async def test_folding_leaves_one_row_for_a_finished_block(made: Made) -> None:
    await asyncio.gather(*(make.customer(made.sandbox) for _ in range(30)))
    await skip_ahead(made.sandbox, 4096)
    await make.customer(made.production)
    await fold_tallies()
    async with reading(made.sandbox) as tx:
        sql = "SELECT array_agg(count) FROM customer_tallies WHERE tenant_id = %s"
        assert sum(await tx.value(sql, (made.sandbox.id,))) == 30
        sql = "SELECT count(*) FROM customer_tallies WHERE tenant_id = %s AND slot > 0"
        assert await tx.value(sql, (made.sandbox.id,)) == 0


async def test_deleting_rows_by_hand_keeps_the_count_too(made: Made) -> None:
    for _ in range(3):
        await make.customer(made.sandbox)
    async with transaction(made.sandbox) as tx:
        await tx.execute("DELETE FROM customers WHERE tenant_id = %s AND mod(seq, 2) = 0", (made.sandbox.id,))
    count, ids = await page_of(made.sandbox, 0, 10)
    assert count == len(ids) < 3


# Texts in which a case-blind substring search goes wrong most easily.
alphabet = st.sampled_from("abAB iİıI\"%_\\'éÉßſσς😀\u0301\u0307-@. ")  # noqa: RUF001
texts = st.text(alphabet, max_size=8)


@SLOW
@given(st.lists(st.tuples(texts, texts), max_size=8), texts)
async def test_a_search_is_what_a_plain_filter_would_be(
    pool: None, customers: list[tuple[str, str]], search: str
) -> None:
    tenant = (await make.organization()).sandbox
    new = [
        NewCustomer(f"c{number}", name=name or None, email=email or None)
        for number, (name, email) in enumerate(customers)
    ]
    async with transaction(tenant) as tx:
        await store.insert_customers(tx, new)
    sought = terms(search)
    expected = [customer.external_id for customer in reversed(new) if matches(customer, sought)]
    if sought:
        async with reading(tenant) as tx:
            page = await store.search_customers(tx, sought, 0, 10)
        found: list[dict[str, Any]] = json.loads(b"[%b]" % page.documents)
        assert ([document["customerId"] for document in found], page.count) == (expected, len(expected))


def matches(customer: NewCustomer, sought: list[str]) -> bool:
    fields = [fold(field) for field in (customer.external_id, customer.name, customer.email) if field]
    return all(any(term in field for field in fields) for term in sought)
