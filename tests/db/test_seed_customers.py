"""Made-up customers are customers like any other, but nobody is told."""

import asyncio
from collections.abc import Sequence

from kelviq_server.core.search import folded_fields
from kelviq_server.customers import store
from kelviq_server.customers.actions.archive_customer import archive_customer
from kelviq_server.customers.actions.seed_customers import CHUNK, seed_customers
from kelviq_server.customers.records import Customer, NewCustomer
from kelviq_server.platform.database import Tenant, reading, transaction
from tests import make
from tests.make import Made


async def seed(tenant: Tenant, count: int) -> list[int]:
    steps: list[int] = []
    await seed_customers(tenant, count, steps.append)
    return steps


async def listed(tenant: Tenant) -> list[Customer]:
    async with reading(tenant) as tx:
        return [customer async for customers in store.stream_customers(tx) for customer in customers]


async def counted(tenant: Tenant) -> int:
    async with reading(tenant) as tx:
        return (await store.list_customers(tx, 0, 1)).count


async def copy_in(tenant: Tenant, new: Sequence[NewCustomer]) -> int:
    async with transaction(tenant) as tx:
        return await store.insert_copied(tx, new)


async def test_so_many_are_added_counted_and_told_of(made: Made) -> None:
    assert await seed(made.sandbox, CHUNK + 50) == [CHUNK, 50]
    customers = await listed(made.sandbox)
    assert [customer.external_id for customer in customers] == [f"cus_{n:09}" for n in range(1, CHUNK + 51)]
    assert await counted(made.sandbox) == CHUNK + 50
    assert await counted(made.production) == 0


async def test_each_is_found_by_what_it_is_called(made: Made) -> None:
    await seed(made.sandbox, 200)
    customers = await listed(made.sandbox)
    async with reading(made.sandbox) as tx:
        folded = await tx.value(
            "SELECT json_object_agg(seq, folded) FROM customer_search WHERE tenant_id = %s", (made.sandbox.id,)
        )
        found = await store.search_customers(tx, ["cus_000000077"], 0, 10)
    assert folded == {str(c.seq): folded_fields(c.external_id, c.name, c.email) for c in customers}
    assert found.documents == customers[76].document.encode()


async def test_seeding_again_goes_on_where_it_ended(made: Made) -> None:
    await seed(made.sandbox, 3)
    await archive_customer(made.sandbox, "cus_000000003")
    await make.customer(made.sandbox, external_id="cus_9")
    await make.customer(made.sandbox, external_id="cus_0000000040")
    await seed(made.sandbox, 2)
    names = [customer.external_id for customer in await listed(made.sandbox)]
    assert names[-2:] == ["cus_000000004", "cus_000000005"]
    assert len(names) == 6


async def test_two_environments_get_the_same_customers(made: Made) -> None:
    await seed(made.sandbox, 50)
    await seed(made.production, 50)
    there, here = await listed(made.sandbox), await listed(made.production)
    assert [(c.name, c.email, c.metadata, c.billing_address) for c in there] == [
        (c.name, c.email, c.metadata, c.billing_address) for c in here
    ]


async def test_two_seeds_at_once_add_both_their_numbers(made: Made) -> None:
    steps = await asyncio.gather(seed(made.sandbox, 300), seed(made.sandbox, 200))
    assert sorted(map(sum, steps)) == [200, 300]
    assert await counted(made.sandbox) == 500


async def test_a_taken_id_is_passed_over(made: Made) -> None:
    taken = await make.customer(made.sandbox, external_id="b")
    new = [make.new_customer(external_id=name, name=name) for name in "abc"]
    assert await copy_in(made.sandbox, new) == 2
    customers = await listed(made.sandbox)
    assert [customer.external_id for customer in customers] == ["b", "a", "c"]
    assert customers[0] == taken


async def test_odd_texts_are_copied_as_they_are(made: Made) -> None:
    new = make.new_customer(
        name="tab\tline\r\nback\\slash \\N \\. 🦊", email=None, metadata='{"a":"\\u0009\\\\"}', billing_address=None
    )
    assert await copy_in(made.sandbox, [new]) == 1
    (customer,) = await listed(made.sandbox)
    assert (customer.name, customer.email, customer.metadata) == (new.name, None, new.metadata)
    assert customer.billing_address is None


async def test_nothing_is_announced(made: Made) -> None:
    await seed(made.sandbox, 10)
    assert await make.events(made.sandbox) == []
